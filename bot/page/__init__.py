"""The pages for everyone, which hold nothing of any workspace, and those of channels, each behind its secret link."""
