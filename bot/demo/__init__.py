"""The demo. Its papers have arXiv's public metadata (CC0), and summaries written for this project."""
