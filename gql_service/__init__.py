"""A GraphQL server for user metadata."""

import gc

# Importing the service creates hundreds of thousands of objects, which stay. By default, the collector walks
# them again and again, for a fifth of the time. `app.py` sets what a server needs.
gc.set_threshold(100_000, 20, 50)

__version__ = "0.1.0"
