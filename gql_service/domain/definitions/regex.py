"""Regular expressions of clients, matched by an engine whose time is linear in the size of the text."""

from functools import lru_cache

import jsonschema_rs

MAX_PATTERNS = 20
"""Patterns of one schema."""
_MAX_COMPILED_SIZE = 2**21
"""Bytes of a compiled pattern."""
_MAX_CACHE_SIZE = 2**18
"""Bytes of the engine's cache of automaton states. A larger cache makes the worst patterns slower."""

OPTIONS = jsonschema_rs.RegexOptions(size_limit=_MAX_COMPILED_SIZE, dfa_size_limit=_MAX_CACHE_SIZE)

_RESTRICTIONS = (
    "Patterns are regular expressions without look-around and backreferences, and take at most "
    f"{_MAX_COMPILED_SIZE >> 20} MiB when compiled. To limit the length of a text, use a length rule instead "
    "of a repetition such as {1,64}."
)


@lru_cache(maxsize=256)
def pattern_size(pattern: str) -> int:
    """The size of a compiled pattern in bytes, rounded up to a power of two.

    Raises ValueError if the pattern is invalid, not supported, or too large.
    """
    size = 2**9
    while size <= _MAX_COMPILED_SIZE:
        options = jsonschema_rs.RegexOptions(size_limit=size, dfa_size_limit=_MAX_CACHE_SIZE)
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
        except ValueError:
            size *= 2
        else:
            return size
    raise ValueError(_RESTRICTIONS)
