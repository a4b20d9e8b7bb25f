"""What can be said: one function a verb, taking the conversation and the verb's argument."""
