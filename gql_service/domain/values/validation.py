"""The limits of metadata, checked for keys, values and documents."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.domain.retention import Retention
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted

InputPath = tuple[str, ...]
"""The path of an input, in snake case; see `Rejected.field`."""


class Limits(NamedTuple):
    """The maximum sizes of metadata; sizes of values are in bytes of canonical JSON."""

    max_key_length: int
    max_value_size: int
    max_metadata_size: int
    max_metadata_keys: int
    max_json_values: int = 100_000
    """Of the texts of JSON in one write. At most a quarter may be objects and arrays."""


def check_metadata(metadata: object, limits: Limits, field: InputPath = ("metadata",)) -> dict[str, str]:
    """Check keys and values that are written as an object; returns the canonical texts. Raises Rejected."""
    if not isinstance(metadata, dict):
        raise Rejected(Problem.INVALID_VALUE, "`metadata` must be a JSON object.", field)
    check_document(len(metadata), 0, limits)  # before the work that each key takes
    for key in metadata:
        check_key(key, limits, (*field, key))
    texts = {key: _text_within_limits(value, limits, (*field, key)) for key, value in metadata.items()}
    try:
        # All at once: a value alone takes as long for each of its levels as many values together.
        strict_json.check(list(metadata.values()), strict_json.MAX_DEPTH + 1)
    except strict_json.InvalidJson:
        key = _first_invalid(metadata)
        check_value(metadata[key], limits, (*field, key))
    return texts


def _first_invalid(values: Mapping[str, Any]) -> str:
    """The key of the first value that `strict_json.check` refuses; there is one."""
    keys = list(values)
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        try:
            strict_json.check([values[key] for key in half], strict_json.MAX_DEPTH + 1)
            keys = keys[len(half) :]
        except strict_json.InvalidJson:
            keys = half
    return keys[0]


def check_delete_keys(delete_keys: object, limits: Limits) -> Sequence[str]:
    """Check the list of keys to delete. Keys that do not exist are allowed. Raises Rejected."""
    if isinstance(delete_keys, list) and len(delete_keys) > limits.max_metadata_keys:
        raise Rejected(
            Problem.TOO_MANY_KEYS,
            f"`delete_keys` has {len(delete_keys)} items; {limits.max_metadata_keys} are allowed.",
            ("delete_keys",),
        )
    if not isinstance(delete_keys, list) or not all(isinstance(key, str) for key in delete_keys):
        raise Rejected(Problem.INVALID_KEY, "`delete_keys` must be a list of strings.", ("delete_keys",))
    return delete_keys


def check_document(
    keys: int, size: int, limits: Limits, *, hidden_keys: int = 0, hidden_size: int = 0
) -> None:
    """Check the number of keys of a document, and the size of its values in bytes. Raises Rejected.

    The limits hold for all entries. The messages do not count those that are hidden from the writer.
    """
    if keys > limits.max_metadata_keys:
        message = _above(keys - hidden_keys, limits.max_metadata_keys, "have", "keys")
        raise Rejected(Problem.TOO_MANY_KEYS, message, ("metadata",))
    if size > limits.max_metadata_size:
        message = _above(size - hidden_size, limits.max_metadata_size, "take", "bytes")
        raise Rejected(Problem.DOCUMENT_TOO_LARGE, message, ("metadata",))


def _above(known: int, allowed: int, verb: str, unit: str) -> str:
    if known > allowed:
        return f"The document would {verb} {known} {unit}; {allowed} are allowed."
    return (
        f"The document has no room for that; {allowed} {unit} are allowed. Delete something, or ask an admin."
    )


def check_key(key: str, limits: Limits, field: InputPath) -> None:
    """Check a key to write. Raises Rejected for the input `field`."""
    if not key:
        message = "A key must not be empty."
    elif len(key) > limits.max_key_length:
        message = f"The key {quoted(key)} has {len(key)} characters; {limits.max_key_length} are allowed."
    elif "\0" in key:
        message = f"The key {quoted(key)} contains the character U+0000."
    elif key != key.strip():
        message = f"The key {quoted(key)} begins or ends with white space."
    else:
        return
    raise Rejected(Problem.INVALID_KEY, message, field)


def check_value(value: Any, limits: Limits, field: InputPath) -> str:
    """Check a value to write; returns its canonical text. Raises Rejected for the input `field`."""
    text = _text_within_limits(value, limits, field)
    try:
        strict_json.check(value)
    except strict_json.InvalidJson as error:
        raise Rejected(Problem.INVALID_VALUE, str(error), field) from None
    return text


def _text_within_limits(value: Any, limits: Limits, field: InputPath) -> str:
    """The canonical text of a value, whose parts are checked next. Raises Rejected."""
    try:
        text = strict_json.dumps(value)
    except TypeError:
        return ""  # it is no JSON, which is about to be refused
    check_size(text, limits, field)  # before the work that each part of the value takes
    return text


def check_size(text: str, limits: Limits, field: InputPath) -> None:
    """Check the size of a value, passed as its canonical text. Raises Rejected for the input `field`."""
    if (size := len(text.encode())) > limits.max_value_size:
        raise Rejected(
            Problem.VALUE_TOO_LARGE,
            f"The value takes {size} bytes; {limits.max_value_size} are allowed.",
            field,
        )


class WriteSettings(NamedTuple):
    """The limits, the encryption keys and the retention that all writes of the process use."""

    limits: Limits
    keys: KeyRing
    retention: Retention = Retention()
