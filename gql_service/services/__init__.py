"""The services that live as long as the process, and the context of one request that gives access to them."""
