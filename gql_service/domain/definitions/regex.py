"""Regular expressions of clients, on an engine that takes linear time, so that none can explode."""

import jsonschema_rs

MAX_PATTERNS = 20
"""Patterns of one schema."""
_MAX_SIZE = 2**21
"""Bytes of a compiled pattern."""
_MAX_MEMORY = 2**18
"""Bytes that matching may remember; with more, the worst patterns are slower."""

OPTIONS = jsonschema_rs.RegexOptions(size_limit=_MAX_SIZE, dfa_size_limit=_MAX_MEMORY)

_RULES = (
    "Patterns are regular expressions without look-around and backreferences, so that none can take for "
    f"ever, and of at most {_MAX_SIZE >> 20} MiB when compiled: limit the length by a rule of its own rather "
    "than by {1,64}."
)


def pattern_size(pattern: str) -> int:
    """Bytes of a compiled pattern, up to a power of two. Raises ValueError where it is none, or too large."""
    size = 2**9
    while size <= _MAX_SIZE:
        options = jsonschema_rs.RegexOptions(size_limit=size, dfa_size_limit=_MAX_MEMORY)
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
        except ValueError:
            size *= 2
        else:
            return size
    raise ValueError(_RULES)
