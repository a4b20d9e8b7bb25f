"""What happens without anybody asking: reading sources, delivering posts, recording reactions."""
