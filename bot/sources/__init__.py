"""Where papers come from: each source yields values and knows nothing of the store."""
