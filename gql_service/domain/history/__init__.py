"""What documents were: their changes, the past computed from them, and who sees what of it."""
