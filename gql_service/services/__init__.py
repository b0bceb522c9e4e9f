"""What lives as long as the process, and the context of one request."""
