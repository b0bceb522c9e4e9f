"""The benchmark: compares gql_service with other servers, on the same data and the same work, in one run."""
