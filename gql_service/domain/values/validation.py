"""What metadata may be: the rules for keys, values and whole documents."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import Problem, Rejected


class Limits(NamedTuple):
    """How large metadata may grow; sizes are bytes of canonical JSON."""

    max_key_length: int
    max_value_size: int
    max_metadata_size: int
    max_metadata_keys: int


def check_metadata(
    metadata: object, limits: Limits, field: tuple[str, ...] = ("metadata",)
) -> dict[str, str]:
    """Keys and values given for writing as an object: the canonical text of each. Raises Rejected."""
    if not isinstance(metadata, dict):
        raise Rejected(Problem.INVALID_VALUE, "`metadata` must be a JSON object.", field)
    for key in metadata:
        check_key(key, limits, (*field, key))
    return {key: check_value(value, limits, (*field, key)) for key, value in metadata.items()}


def check_delete_keys(delete_keys: object) -> Sequence[str]:
    """Keys given for deletion; one that does not exist is no error. Raises Rejected."""
    if not isinstance(delete_keys, list) or not all(isinstance(key, str) for key in delete_keys):
        raise Rejected(Problem.INVALID_KEY, "`delete_keys` must be a list of strings.", ("delete_keys",))
    return delete_keys


def check_document(keys: int, size: int, limits: Limits) -> None:
    """A whole document about to be stored: its keys, and the bytes of its values. Raises Rejected."""
    if keys > limits.max_metadata_keys:
        raise Rejected(
            Problem.TOO_MANY_KEYS,
            f"The document would have {keys} keys; {limits.max_metadata_keys} are allowed.",
            ("metadata",),
        )
    if size > limits.max_metadata_size:
        raise Rejected(
            Problem.DOCUMENT_TOO_LARGE,
            f"The document would take {size} bytes; {limits.max_metadata_size} are allowed.",
            ("metadata",),
        )


def check_key(key: str, limits: Limits, field: tuple[str, ...]) -> None:
    """A key about to be written. Raises Rejected, naming the input at fault."""
    shown = key if len(key) <= 40 else key[:40] + "…"
    if not key:
        problem = "A key must not be empty."
    elif len(key) > limits.max_key_length:
        problem = f"The key {shown!r} has {len(key)} characters; {limits.max_key_length} are allowed."
    elif "\0" in key:
        problem = f"The key {shown!r} contains the character U+0000."
    elif key != key.strip():
        problem = f"The key {shown!r} begins or ends with white space."
    else:
        return
    raise Rejected(Problem.INVALID_KEY, problem, field)


def check_value(value: Any, limits: Limits, field: tuple[str, ...]) -> str:
    """A value about to be written; returns its canonical text. Raises Rejected, naming the input at fault."""
    try:
        strict_json.check(value)
    except strict_json.InvalidJson as error:
        raise Rejected(Problem.INVALID_VALUE, str(error), field) from None
    text = strict_json.dumps(value)
    check_size(text, limits, field)
    return text


def check_size(text: str, limits: Limits, field: tuple[str, ...]) -> None:
    """The canonical text of a value. Raises Rejected, naming the input at fault."""
    if (size := len(text.encode())) > limits.max_value_size:
        raise Rejected(
            Problem.VALUE_TOO_LARGE,
            f"The value takes {size} bytes; {limits.max_value_size} are allowed.",
            field,
        )


InputPath = tuple[str, ...]
"""The path of the input at fault."""


class WriteSettings(NamedTuple):
    """What holds for all documents of the process."""

    limits: Limits
    keys: KeyRing
