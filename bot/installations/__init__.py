"""The installations of the bot in workspaces, and the encryption of their tokens."""
