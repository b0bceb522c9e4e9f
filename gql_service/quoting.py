"""Text from callers in messages: cut to a length that keeps the message readable."""

MAX_QUOTED = 80
"""Characters of a text that a message repeats; no id or platform key is longer."""


def shortened(text: str, limit: int = MAX_QUOTED) -> str:
    """The text, with an ellipsis in place of everything after `limit` characters."""
    return text if len(text) <= limit else text[:limit] + "…"


def quoted(text: str, limit: int = MAX_QUOTED) -> str:
    """The text in quotation marks, with control characters escaped, and shortened."""
    return repr(shortened(text, limit))
