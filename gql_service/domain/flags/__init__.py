"""Effective values: what a key is worth to a user, from entries, variants and defaults."""
