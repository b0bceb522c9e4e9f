"""The input types, a group a file."""
