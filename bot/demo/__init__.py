"""The demo: its papers carry the facts of arXiv's public metadata (CC0) and summaries in our own words."""
