"""JSON Pointers of RFC 6901, and the places in a JSON value that they lead to."""

import re
from collections.abc import Sequence
from typing import Any

from gql_service import strict_json

Pointer = Sequence[str]
"""The tokens of a pointer, unescaped."""
AFTER_THE_LAST = "-"
"""The token that stands for the position after the last item of an array."""

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_MAX_TOKENS = strict_json.MAX_DEPTH + 1


class PointerError(ValueError):
    """There is no such pointer, or it leads nowhere; the message says why."""


def parse(text: str) -> Pointer:
    """The tokens, of which there is at least one. Raises Impossible."""
    if not text.startswith("/"):
        raise PointerError(f"The path {_shown(text)} does not begin with a slash, as in /theme or /ui/theme.")
    if _BAD_ESCAPE.search(text):
        raise PointerError(f"The path {_shown(text)} has a ~ that is not one of ~0 (for ~) and ~1 (for /).")
    tokens = text[1:].split("/")
    if len(tokens) > _MAX_TOKENS:
        raise PointerError(
            f"The path has {len(tokens)} steps; {_MAX_TOKENS} are allowed, as deep as values go."
        )
    return [token.replace("~1", "/").replace("~0", "~") for token in tokens]


def container(root: dict[str, Any], pointer: Pointer, *, create: bool) -> Any:
    """The object or array that the last token is of; None where something on the way is missing, unless
    missing objects are to be created. Arrays never are. Raises Impossible."""
    at: Any = root
    for depth, token in enumerate(pointer[:-1]):
        if isinstance(at, list):
            at = at[array_index(at, token, pointer[: depth + 1])]
            continue
        if isinstance(at, dict) and token not in at:
            if not create:
                return None
            at[token] = {}
        at = _object(at, pointer[:depth])[token]
    return at if isinstance(at, list) else _object(at, pointer[:-1])


def array_index(items: Sequence[Any], token: str, pointer: Pointer) -> int:
    """The index of an item that is there. Raises Impossible."""
    if token != AFTER_THE_LAST and not _INDEX.fullmatch(token):
        raise PointerError(
            f"{quoted_pointer(pointer)} names an item of an array by {_shown(token)}, which is no index."
        )
    if token == AFTER_THE_LAST or int(token) >= len(items):
        raise PointerError(f"{quoted_pointer(pointer)} is not there: the array has {len(items)} items.")
    return int(token)


def kind_of(value: Any) -> str:
    """What to call a value."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


def quoted_pointer(pointer: Pointer) -> str:
    """A pointer as text, short enough to read."""
    return _shown("".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in pointer))


def _object(value: Any, pointer: Pointer) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PointerError(f"{quoted_pointer(pointer)} is {kind_of(value)}, so nothing lies below it.")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
