"""The service: everything that platforms may ask of the bot."""
