"""Paperboy: the bot around the recommender."""
