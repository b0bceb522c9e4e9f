"""Definitions: types, rules and defaults for the keys of a platform."""
