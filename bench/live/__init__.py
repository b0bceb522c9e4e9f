"""Measurements of streams: how soon subscribers learn of changes, and what they cost."""
