"""The one door through which platforms reach the bot."""
