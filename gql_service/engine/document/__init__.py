"""A GraphQL document: found or parsed, validated, limited, its cost computed, persisted."""
