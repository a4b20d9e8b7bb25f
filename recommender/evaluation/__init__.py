"""Trying a recommender on recorded feedback."""
