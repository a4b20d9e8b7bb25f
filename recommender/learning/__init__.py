"""What a channel likes, learned from its feedback."""
