"""What goes into a channel's digest."""
