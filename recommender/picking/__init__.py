"""What is posted of the papers that are scored, and why."""
