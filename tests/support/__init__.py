"""What the tests stand on: a real server, a throw-away PostgreSQL, and people to act."""
