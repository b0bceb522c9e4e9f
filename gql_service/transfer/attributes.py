"""Reads the values and the attributes of the entries of an imported document, by the rules for writes.

Attributes have the same form as in history: see `domain.documents.entries`. Defaults may be omitted.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gql_service import strict_json
from gql_service.domain.documents.entries import TEXT_LIMITS, Content, Entry
from gql_service.domain.users.provisioning import USER_ID
from gql_service.domain.values.encryption import parse_ciphertext
from gql_service.domain.values.types import InvalidValue, ValueType, conform, type_of
from gql_service.domain.values.validation import Limits, check_key, check_metadata, check_value
from gql_service.errors import Rejected
from gql_service.quoting import quoted
from gql_service.transfer.record_fields import (
    BOOLEAN,
    INSTANT,
    TEXT,
    FieldKind,
    InvalidRecord,
    Json,
    RecordField,
    Shape,
    complete_fields,
    or_null,
)

_ABSENT = object()
_USER = or_null(FieldKind("the id of a user", lambda value: isinstance(value, str) and _is_id(value)))
_TYPE = FieldKind(
    f"one of {', '.join(ValueType.__members__)}",
    lambda value: isinstance(value, str) and value in ValueType.__members__,
)


def _is_id(value: str) -> bool:
    return USER_ID.fullmatch(value) is not None


def _short_text(longest: int) -> FieldKind:
    return FieldKind(
        f"a string of 1 to {longest} characters",
        lambda value: isinstance(value, str) and 0 < len(value) <= longest,
    )


_SHAPE: Shape = {
    "type": RecordField(_TYPE, None),
    "value": RecordField(FieldKind("a value", lambda _: True), _ABSENT),
    "ciphertext": RecordField(TEXT, None),
    **{name: RecordField(_short_text(longest), None) for name, longest in TEXT_LIMITS.items()},
    "isIndexed": RecordField(BOOLEAN, False),
    "isPublic": RecordField(BOOLEAN, True),
    "isEditable": RecordField(BOOLEAN, True),
    "validFrom": RecordField(INSTANT, None),
    "validUntil": RecordField(INSTANT, None),
    "createdAt": RecordField(INSTANT, None),
    "createdBy": RecordField(_USER, None),
    "updatedAt": RecordField(INSTANT, None),
    "updatedBy": RecordField(_USER, None),
}


def read_plain(metadata: Json, attributes: Json, limits: Limits) -> dict[str, str]:
    """The canonical JSON text of each value in `metadata`. Raises Rejected."""
    binary_keys = {
        key
        for key, fields in attributes.items()
        if isinstance(fields, dict) and fields.get("type") == "binary"
    }
    if not binary_keys:
        return check_metadata(metadata, limits)
    others = {key: value for key, value in metadata.items() if key not in binary_keys}
    binary = {key: value for key, value in metadata.items() if key in binary_keys}
    return check_metadata(others, limits) | check_metadata(binary, _limits_for("binary", limits))


def _limits_for(type_: str | None, limits: Limits) -> Limits:
    """Base64 is longer than the data it encodes, whose size is checked with the type."""
    return limits._replace(max_value_size=2 * limits.max_value_size) if type_ == "binary" else limits


def read_content(plain: Mapping[str, str], attributes: Json, created_at: int, limits: Limits) -> Content:
    """The entries of a document.

    `plain` has the checked, canonical texts of the values in `metadata`. `created_at` is the time of creation
    of the entries whose attributes have none. Raises InvalidRecord, naming the key.
    """
    content = Content(_object(plain), None, "{}", created_at)
    for key, fields in attributes.items():
        with _error_at_key(key):
            check_key(key, limits, ())
            if not isinstance(fields, dict):
                raise InvalidRecord("The attributes of a key must be an object.")
            content.put(key, _entry(complete_fields(fields, _SHAPE), plain.get(key), created_at, limits))
    return content


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{strict_json.dumps(key)}:{text}" for key, text in texts.items()) + "}"


@contextmanager
def _error_at_key(key: str) -> Iterator[None]:
    try:
        yield
    except (InvalidRecord, Rejected) as error:
        raise InvalidRecord(f"`attributes`: {quoted(key)}: {error.message}") from None


def _entry(fields: Json, plain: str | None, created_at: int, limits: Limits) -> Entry:
    start, end = fields["validFrom"], fields["validUntil"]
    if start is not None and end is not None and start >= end:
        raise InvalidRecord("`validFrom` must be before `validUntil`.")
    if fields["updatedBy"] is not None and fields["updatedAt"] is None:
        raise InvalidRecord("`updatedBy` needs `updatedAt`.")
    type_, text = _value(fields, plain, limits)
    created_at = created_at if fields["createdAt"] is None else fields["createdAt"]
    changed = fields["updatedAt"] is not None
    entry = Entry(
        type=type_,
        text=text,
        ciphertext=fields["ciphertext"],
        category=fields["category"],
        description=fields["description"],
        source=fields["source"],
        is_indexed=fields["isIndexed"],
        is_public=fields["isPublic"],
        is_editable=fields["isEditable"],
        is_encrypted=fields["ciphertext"] is not None,
        valid_from=start,
        valid_until=end,
        created_at=created_at,
        updated_at=fields["updatedAt"] if changed else created_at,
        created_by=fields["createdBy"],
        updated_by=fields["updatedBy"] if changed else fields["createdBy"],
    )
    if entry.is_conditional and plain is not None:
        raise InvalidRecord("The entry is hidden or has a validity period: move its value to `value` here.")
    if not entry.is_conditional and plain is None:
        raise InvalidRecord("The entry is public and always valid: move its value to `metadata`.")
    return entry


def _value(fields: Json, plain: str | None, limits: Limits) -> tuple[ValueType, str | None]:
    """The type, and the canonical text of the value, None if it is encrypted.

    Raises InvalidRecord or Rejected.
    """
    hidden, ciphertext, type_name = fields["value"], fields["ciphertext"], fields["type"]
    present = [plain is not None, hidden is not _ABSENT, ciphertext is not None]
    if sum(present) != 1:
        number = "more than one value" if any(present) else "no value"
        raise InvalidRecord(
            f"The entry has {number}. Set exactly one: in `metadata`, or here as `value` or `ciphertext`."
        )
    if ciphertext is not None:
        if type_name is None:
            raise InvalidRecord("An encrypted value needs a `type`.")
        _check_ciphertext(ciphertext, _limits_for(type_name, limits))
        return ValueType(type_name), None
    text = check_value(hidden, _limits_for(type_name, limits), ()) if plain is None else plain
    type_ = type_of(text) if type_name is None else ValueType(type_name)
    try:
        canonical = conform(type_, text, limits)
    except InvalidValue as error:
        raise InvalidRecord(f"The value cannot be stored as {type_.value}. {error}") from None
    if canonical != text:
        raise InvalidRecord(f"The value is not in canonical form: write {canonical}.")
    return type_, text


def _check_ciphertext(ciphertext: Any, limits: Limits) -> None:
    try:
        _, size = parse_ciphertext(ciphertext)
    except ValueError:
        raise InvalidRecord(
            "`ciphertext` must be the id of an encryption key, a colon, and the encrypted value in base64."
        ) from None
    if size > limits.max_value_size:
        raise InvalidRecord(f"The value takes {size} bytes; {limits.max_value_size} are allowed.")
