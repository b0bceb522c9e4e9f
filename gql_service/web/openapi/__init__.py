"""`/openapi.json`: the description of the REST endpoint for programs (OpenAPI 3.1)."""
