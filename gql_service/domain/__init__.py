"""What the service knows and does, as functions over a connection. All SQL is here and in `store`.

Functions named `by_…` read many keys and return one result for each, in the order of the keys (None where a
key does not exist), so that loaders can gather them. Functions that write take the transaction first; only
`Database.write` commits.

Imports point this way: maintenance → writes → definitions, history, search → documents → users → tenants,
values, pagination.
"""
