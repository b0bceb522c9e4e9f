"""From the text of a request to a valid, cached `GraphQLDocument`.

In the order in which a request uses them:

1. `persisted.py` finds the text by its hash, and rejects text that the operator does not trust.
2. `cache.py` returns the `GraphQLDocument` of a text. If it is not cached, `literals.py` looks whether it
   shares a document that differs in values only. If not, the text goes through 3 to 6.
3. `lexer.py` and `parser.py` parse it. graphql-core parses what they do not know, and says what is wrong.
4. `limits.py` rejects documents that are too large or too deep, before validation spends time on them. With
   `cost.py`, it computes what each operation costs, as a formula over its variables.
5. `validator.py` decides whether the document is valid, against `schema_tables.py`. It uses
   `values.py` (arguments and literals) and
   `field_merging.py` (fields of the same response key).
6. `validation.py` runs graphql-core's validation rules, in one pass, for the words of the errors: only if 5
   has refused the document.
7. `variables.py` coerces the variables of an operation; `execution/` calls it for each request.
"""
