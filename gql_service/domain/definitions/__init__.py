"""What the keys of a platform may hold."""
