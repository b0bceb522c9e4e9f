"""Searching users by their metadata."""
