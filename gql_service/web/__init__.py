"""HTTP: the GraphQL endpoint, the REST endpoint and its description, the explorer (GraphiQL), health."""
