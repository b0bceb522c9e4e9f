"""What the service knows and does, as functions over a connection: SQL lives here and in `store` only.

Reads named `by_…` take many keys and answer in the order of the keys, None for what is missing, so that
loaders can gather them. Writes take the transaction first and are committed by `Database.write`.
"""
