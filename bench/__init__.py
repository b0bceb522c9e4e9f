"""The benchmark: gql_service against the best peers, with the same data and the same work, in one run."""
