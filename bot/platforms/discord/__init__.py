"""Discord. This module imports nothing, so that `setup` can be read without Discord's library."""
