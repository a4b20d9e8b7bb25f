"""Discord. The package imports nothing, so that its set-up can be read without Discord's library."""
