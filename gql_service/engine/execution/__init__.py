"""Executing an operation: planned once, then run."""
