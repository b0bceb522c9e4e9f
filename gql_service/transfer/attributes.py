"""What a document's line says of its keys besides plain values, held to the rules that bind writes.

It is said as history tells entries: see `domain.entries`. What is meant where nothing is said may be said.
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
    check_complete,
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


def _words(longest: int) -> FieldKind:
    return FieldKind(
        f"a text of 1 to {longest} characters",
        lambda value: isinstance(value, str) and 0 < len(value) <= longest,
    )


_SHAPE: Shape = {
    "type": RecordField(_TYPE, None),
    "value": RecordField(FieldKind("a value", lambda _: True), _ABSENT),
    "ciphertext": RecordField(TEXT, None),
    **{name: RecordField(_words(longest), None) for name, longest in TEXT_LIMITS.items()},
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
    """The values in `metadata`: the canonical text of each. Raises Rejected."""
    binary = {
        key for key, said in attributes.items() if isinstance(said, dict) and said.get("type") == "binary"
    }
    if not binary:
        return check_metadata(metadata, limits)
    texts = check_metadata({key: value for key, value in metadata.items() if key not in binary}, limits)
    large = {key: value for key, value in metadata.items() if key in binary}
    return texts | check_metadata(large, _room("binary", limits))


def _room(type_: str | None, limits: Limits) -> Limits:
    """Of binary data the bytes count, which its type counts: base64 takes a third more."""
    return limits._replace(max_value_size=2 * limits.max_value_size) if type_ == "binary" else limits


def read_content(plain: Mapping[str, str], attributes: Json, born: int, limits: Limits) -> Content:
    """The keys of a document. `plain` has the canonical texts of what is in `metadata`, which were checked;
    `born` is when a key was created of which that is not said. Raises Broken, naming the key."""
    content = Content(_object(plain), None, "{}", born)
    for key, said in attributes.items():
        with _naming(key):
            check_key(key, limits, ())
            if not isinstance(said, dict):
                raise InvalidRecord("What is said about a key must be an object.")
            content.put(key, _entry(check_complete(said, _SHAPE), plain.get(key), born, limits))
    return content


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{strict_json.dumps(key)}:{text}" for key, text in texts.items()) + "}"


@contextmanager
def _naming(key: str) -> Iterator[None]:
    try:
        yield
    except (InvalidRecord, Rejected) as error:
        raise InvalidRecord(f"`attributes`: {quoted(key)}: {error.message}") from None


def _entry(said: Json, plain: str | None, born: int, limits: Limits) -> Entry:
    start, end = said["validFrom"], said["validUntil"]
    if start is not None and end is not None and start >= end:
        raise InvalidRecord("`validFrom` must be before `validUntil`.")
    if said["updatedBy"] is not None and said["updatedAt"] is None:
        raise InvalidRecord("`updatedBy` needs `updatedAt`.")
    type_, text = _value(said, plain, limits)
    created_at = born if said["createdAt"] is None else said["createdAt"]
    changed = said["updatedAt"] is not None
    entry = Entry(
        type=type_,
        text=text,
        ciphertext=said["ciphertext"],
        category=said["category"],
        description=said["description"],
        source=said["source"],
        is_indexed=said["isIndexed"],
        is_public=said["isPublic"],
        is_editable=said["isEditable"],
        is_encrypted=said["ciphertext"] is not None,
        valid_from=start,
        valid_until=end,
        created_at=created_at,
        updated_at=said["updatedAt"] if changed else created_at,
        created_by=said["createdBy"],
        updated_by=said["updatedBy"] if changed else said["createdBy"],
    )
    if entry.is_conditional and plain is not None:
        raise InvalidRecord("Not everybody sees its value at any time, so that it belongs here, as `value`.")
    if not entry.is_conditional and plain is None:
        raise InvalidRecord("Everybody sees its value at any time, so that it belongs in `metadata`.")
    return entry


def _value(said: Json, plain: str | None, limits: Limits) -> tuple[ValueType, str | None]:
    """The type, and the canonical text of the value, unless it is encrypted. Raises Broken or Rejected."""
    hidden, ciphertext, name = said["value"], said["ciphertext"], said["type"]
    given = [plain is not None, hidden is not _ABSENT, ciphertext is not None]
    if sum(given) != 1:
        amount = "more than one value" if any(given) else "no value"
        raise InvalidRecord(
            f"It has {amount}: one is needed, in `metadata`, or here as `value` or `ciphertext`."
        )
    if ciphertext is not None:
        if name is None:
            raise InvalidRecord("The `type` of an encrypted value must be said.")
        _check_ciphertext(ciphertext, _room(name, limits))
        return ValueType(name), None
    text = check_value(hidden, _room(name, limits), ()) if plain is None else plain
    type_ = type_of(text) if name is None else ValueType(name)
    try:
        canonical = conform(type_, text, limits)
    except InvalidValue as error:
        raise InvalidRecord(f"Its value cannot be stored as {type_.value}. {error}") from None
    if canonical != text:
        raise InvalidRecord(f"Its value is to be written as {canonical}.")
    return type_, text


def _check_ciphertext(ciphertext: Any, limits: Limits) -> None:
    try:
        _, hidden = parse_ciphertext(ciphertext)
    except ValueError:
        message = "`ciphertext` must be the id of a key, a colon, and the sealed value in base64."
        raise InvalidRecord(message) from None
    if hidden > limits.max_value_size:
        raise InvalidRecord(f"The value takes {hidden} bytes; {limits.max_value_size} are allowed.")
