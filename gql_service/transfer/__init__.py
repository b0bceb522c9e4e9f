"""Export and import of all data except access tokens, as JSON Lines: see `records` for the format.

Exporting, importing into an empty database, and exporting again gives the same bytes.
"""
