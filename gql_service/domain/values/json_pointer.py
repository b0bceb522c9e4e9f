"""JSON Pointers of RFC 6901: parsing them, writing them, and finding the values that they refer to."""

import re
from collections.abc import Sequence
from typing import Any

from gql_service import strict_json
from gql_service.quoting import quoted

Pointer = Sequence[str]
"""The reference tokens of a pointer, unescaped."""
AFTER_THE_LAST = "-"
"""The token for the position after the last item of an array."""

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_MAX_TOKENS = strict_json.MAX_DEPTH + 1


class PointerError(ValueError):
    """The text is not a pointer, or it refers to no value; the message says why."""


def parse(text: str) -> Pointer:
    """The tokens of a pointer to a key or to a value below it; there is at least one. Raises PointerError."""
    if not text.startswith("/"):
        raise PointerError(f"The path {quoted(text)} does not begin with a slash, as in /theme or /ui/theme.")
    if _BAD_ESCAPE.search(text):
        raise PointerError(f"The path {quoted(text)} has a ~ that is not one of ~0 (for ~) and ~1 (for /).")
    tokens = tokens_of(text)
    if len(tokens) > _MAX_TOKENS:
        raise PointerError(
            f"The path has {len(tokens)} steps; {_MAX_TOKENS} are allowed, as deep as values can be nested."
        )
    return tokens


def tokens_of(text: str) -> Pointer:
    """The tokens of a pointer without checks. The empty pointer, which refers to the root, has none."""
    tokens = text.split("/")[1:]
    return [unescape(token) for token in tokens] if "~" in text else tokens


def escape(token: str) -> str:
    """A token as it is written in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """The token that is written as `token` in a pointer."""
    return token.replace("~1", "/").replace("~0", "~")


def resolve(root: Any, pointer: Pointer) -> Any:
    """The value that a pointer refers to. Raises PointerError if there is none."""
    value = root
    for depth, token in enumerate(pointer):
        if isinstance(value, list):
            value = value[array_index(value, token, pointer[: depth + 1])]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            raise PointerError(f"{quoted_pointer(pointer[: depth + 1])} does not exist.")
    return value


def container(root: dict[str, Any], pointer: Pointer, *, create: bool) -> Any:
    """The object or array that holds what the last token refers to.

    With `create`, missing objects on the way are created, but no arrays; otherwise the result is None if one
    is missing. Raises PointerError.
    """
    value: Any = root
    for depth, token in enumerate(pointer[:-1]):
        if isinstance(value, list):
            value = value[array_index(value, token, pointer[: depth + 1])]
            continue
        if isinstance(value, dict) and token not in value:
            if not create:
                return None
            value[token] = {}
        value = _require_object(value, pointer[:depth])[token]
    return value if isinstance(value, list) else _require_object(value, pointer[:-1])


def array_index(items: Sequence[Any], token: str, pointer: Pointer) -> int:
    """The index of an existing item; `pointer` ends with the token. Raises PointerError."""
    if token != AFTER_THE_LAST and not _INDEX.fullmatch(token):
        raise PointerError(
            f"{quoted_pointer(pointer)} refers to an array item by {quoted(token)}, which is not an index."
        )
    if token == AFTER_THE_LAST or int(token) >= len(items):
        raise PointerError(f"{quoted_pointer(pointer)} does not exist: the array has {len(items)} items.")
    return int(token)


def kind_of(value: Any) -> str:
    """The JSON type of a value, with its article, for messages."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


def quoted_pointer(pointer: Pointer) -> str:
    """A pointer as it is written, quoted and shortened for a message."""
    return quoted("".join(f"/{escape(token)}" for token in pointer))


def _require_object(value: Any, pointer: Pointer) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PointerError(f"{quoted_pointer(pointer)} is {kind_of(value)}, so it contains no values.")
    return value
