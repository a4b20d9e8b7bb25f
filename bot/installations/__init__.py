"""Where the bot is installed, and how its tokens are kept."""
