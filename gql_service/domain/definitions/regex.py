"""Regular expressions of clients, matched by an engine whose time is linear in the size of the text."""

from functools import lru_cache

import jsonschema_rs

MAX_PATTERNS = 20
"""Patterns of one schema."""
MAX_COMPILED_SIZE = 2**20
"""Bytes of a compiled pattern, and of all patterns of a schema together: compiling them takes long."""
_MAX_CACHE_SIZE = 2**18
"""Bytes of the engine's cache of automaton states. A larger cache makes the worst patterns slower."""

OPTIONS = jsonschema_rs.RegexOptions(size_limit=MAX_COMPILED_SIZE, dfa_size_limit=_MAX_CACHE_SIZE)

RESTRICTIONS = (
    "Patterns are regular expressions without look-around and backreferences, and take at most "
    f"{MAX_COMPILED_SIZE >> 20} MiB when compiled. To limit the length of a text, use a length rule instead "
    "of a repetition such as {1,64}."
)


@lru_cache(maxsize=256)
def pattern_size(pattern: str) -> int:
    """The size of a compiled pattern in bytes, rounded up to a power of two.

    Raises ValueError if the pattern is invalid, not supported, or too large.
    """
    if not _compiles(pattern, MAX_COMPILED_SIZE):
        raise ValueError(RESTRICTIONS)
    size = 2**9
    while size < MAX_COMPILED_SIZE and not _compiles(pattern, size):
        size *= 2
    return size


def _compiles(pattern: str, max_size: int) -> bool:
    options = jsonschema_rs.RegexOptions(size_limit=max_size, dfa_size_limit=_MAX_CACHE_SIZE)
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except ValueError:
        return False
    return True
