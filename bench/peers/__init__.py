"""The servers that gql_service is measured against; see bench/README.md."""
