"""Queries: how they are read, corrected and completed, and which papers answer them."""
