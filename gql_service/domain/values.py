"""What metadata may be: the rules for keys, values and whole documents."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.errors import Problem, Rejected


class Limits(NamedTuple):
    """How large metadata may grow; sizes are bytes of canonical JSON."""

    max_key_length: int
    max_value_size: int
    max_metadata_size: int
    max_metadata_keys: int


def check_metadata(metadata: object, limits: Limits) -> dict[str, Any]:
    """Keys and values given for writing. Raises Rejected, naming the key."""
    if not isinstance(metadata, dict):
        raise Rejected(Problem.INVALID_VALUE, "`metadata` must be a JSON object.", ("metadata",))
    for key, value in metadata.items():
        _check_key(key, limits)
        _check_value(key, value, limits)
    return metadata


def check_delete_keys(delete_keys: object) -> Sequence[str]:
    """Keys given for deletion; one that does not exist is no error. Raises Rejected."""
    if not isinstance(delete_keys, list) or not all(isinstance(key, str) for key in delete_keys):
        raise Rejected(Problem.INVALID_KEY, "`delete_keys` must be a list of strings.", ("delete_keys",))
    return delete_keys


def check_document(metadata: Mapping[str, Any], text: str, limits: Limits) -> None:
    """A whole document about to be stored, with its canonical text. Raises Rejected."""
    if len(metadata) > limits.max_metadata_keys:
        raise Rejected(
            Problem.TOO_MANY_KEYS,
            f"The document would have {len(metadata)} keys; {limits.max_metadata_keys} are allowed.",
            ("metadata",),
        )
    if (size := len(text.encode())) > limits.max_metadata_size:
        raise Rejected(
            Problem.DOCUMENT_TOO_LARGE,
            f"The document would take {size} bytes; {limits.max_metadata_size} are allowed.",
            ("metadata",),
        )


def _check_key(key: str, limits: Limits) -> None:
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
    raise Rejected(Problem.INVALID_KEY, problem, ("metadata", key))


def _check_value(key: str, value: Any, limits: Limits) -> None:
    try:
        strict_json.check(value)
    except strict_json.InvalidJson as error:
        raise Rejected(Problem.INVALID_VALUE, str(error), ("metadata", key)) from None
    if (size := len(strict_json.dumps(value).encode())) > limits.max_value_size:
        raise Rejected(
            Problem.VALUE_TOO_LARGE,
            f"The value takes {size} bytes; {limits.max_value_size} are allowed.",
            ("metadata", key),
        )
