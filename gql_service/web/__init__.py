"""HTTP: the GraphQL endpoint, the REST endpoint, the explorer (GraphiQL) and the health checks."""
