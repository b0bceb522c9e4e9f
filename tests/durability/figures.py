"""How much the tests of durability do: little by default.

`DURABILITY` is a percentage of the full figures, which `make test-durability` sets to 100.
"""

import os

_PERCENT = int(os.environ.get("DURABILITY", "0"))
FULL = _PERCENT > 0


def figure(full: int, short: int) -> int:
    """The number of the full or of the short form."""
    return full * _PERCENT // 100 if FULL else short


WORKERS = 2 if FULL else 1
"""Worker processes of each server. One starts quickly; two also show what workers do."""
SERVERS = 2
"""Servers on one database."""
