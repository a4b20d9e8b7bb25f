"""What the operator's commands do: each opens the store, does one thing, and says what came of it."""
