"""The doors: GraphQL and REST over HTTP, the explorer, and health."""
