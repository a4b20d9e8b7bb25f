"""What people can say to the bot: each command, how it is written, and what answers it."""
