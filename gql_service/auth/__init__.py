"""Authentication and access rules, without a database or a protocol."""
