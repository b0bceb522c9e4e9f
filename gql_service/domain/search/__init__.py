"""Finding users by their metadata."""
