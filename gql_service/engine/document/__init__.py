"""From the text of a request to a valid, cached `GraphQLDocument`.

In the order in which a request uses them:

1. `persisted.py` finds the text by its hash, and rejects text that the operator does not trust.
2. `cache.py` returns the `GraphQLDocument` of a text. If it is not cached, the text is parsed and
   checked by 3 and 5.
3. `limits.py` rejects documents that are too large or too deep, before validation spends time on them.
4. `cost.py` is used by 3 to compute what each operation costs, as a formula over its variables.
5. `validation.py` runs graphql-core's validation rules in one pass.
6. `variables.py` coerces the variables of an operation; `execution/` calls it for each request.
"""
