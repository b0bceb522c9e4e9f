"""A GraphQL server for user metadata."""

__version__ = "0.1.0"
