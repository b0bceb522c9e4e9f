"""A GraphQL server for user metadata."""

import gc

# Importing the service creates hundreds of thousands of objects, which stay. By default, the collector walks
# them again and again, for a fifth of the time. A page of users creates thousands of objects, nearly all of
# which are freed by reference counting.
gc.set_threshold(500_000, 20, 50)

__version__ = "0.1.0"
