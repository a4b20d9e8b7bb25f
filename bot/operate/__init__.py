"""The operator's commands. Each opens the store, does one thing, and prints the result."""
