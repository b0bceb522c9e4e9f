"""A GraphQL server for what other systems must remember about a user."""

__version__ = "0.1.0"
