"""Moving everything but access tokens from one database to another, as JSON Lines: see `lines`.

What is exported, imported into an empty database and exported again is the same to the byte.
"""
