"""Support for the tests: a real server, a temporary PostgreSQL, users, and the command line."""
