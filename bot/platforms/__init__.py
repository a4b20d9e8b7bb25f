"""Platforms: each a folder with intake, rendering and sending; what they all must do is in `base`."""
