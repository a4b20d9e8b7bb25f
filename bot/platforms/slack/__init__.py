"""Slack. This module imports nothing, so that `setup` can be read without Slack's libraries."""
