"""Mail as a platform: a subscription is a place, and a digest is one mail to its address."""
