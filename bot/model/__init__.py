"""Values that every part of the bot may use."""
