"""Draws the charts of `bot/model/charts.py`: as SVG for pages, as PNG for chat. Both show the same drawing."""
