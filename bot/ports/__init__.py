"""What a platform is, and where it keeps its installations."""
