"""The object types, one file each."""
