"""Work on stored data that no request asks for: expiry, key rotation, erasure."""
