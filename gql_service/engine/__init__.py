"""The GraphQL engine: executes operations as graphql-core does, but many times as fast.

Read it in this order:

1. `document/` turns the text of a request into a `GraphQLDocument`: valid, within the limits, and cached.
2. `execution/` turns an operation of that document into a plan, once, and runs the plan for every request.

graphql-core parses documents, provides the validation rules, coerces unusual input, and executes the
operations that a plan does not support.
"""
