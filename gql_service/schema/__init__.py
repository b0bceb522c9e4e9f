"""The GraphQL schema: types, inputs and resolvers in Strawberry, over the functions of `domain`."""
