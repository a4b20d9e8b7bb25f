"""The web server, and what all its pages share: the layout, the headers, and the limits."""
