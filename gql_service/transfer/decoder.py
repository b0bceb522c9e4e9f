"""Reading a line strictly: what it may say, and what stands for the fields it leaves out."""

import re
from collections.abc import Callable

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.rows import check_definition
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.users.fields import USER_FIELDS
from gql_service.domain.users.notifications import Notification
from gql_service.domain.values.validation import Limits, check_document
from gql_service.errors import BadUserInput, Rejected
from gql_service.transfer.attributes import read_content, read_plain
from gql_service.transfer.record_fields import (
    BOOLEAN,
    INSTANT,
    OBJECT,
    REVISION,
    TEXT,
    InvalidRecord,
    Json,
    RecordField,
    Shape,
    check_complete,
    differing,
    or_null,
)
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import USER_SHAPE, UserRecord, read_user

_CREATED = RecordField(INSTANT)
_UPDATED = RecordField(or_null(INSTANT), None)
_OFF = RecordField(BOOLEAN, False)
_EMPTY = RecordField(OBJECT, {})
_SHAPES: dict[str, Shape] = {
    "tenant": {"id": RecordField(TEXT), "name": RecordField(TEXT), "createdAt": _CREATED},
    "platform": {
        "id": RecordField(TEXT),
        "key": RecordField(TEXT),
        "tenantId": RecordField(TEXT),
        "name": RecordField(TEXT),
        "strict": _OFF,
        "createdAt": _CREATED,
    },
    "user": USER_SHAPE,
    "notification": {
        "userId": RecordField(TEXT),
        "id": RecordField(TEXT),
        "kind": RecordField(TEXT),
        "title": RecordField(TEXT),
        "body": RecordField(TEXT),
        "createdAt": _CREATED,
        "readAt": RecordField(or_null(INSTANT), None),
    },
    "document": {
        "userId": RecordField(TEXT),
        "platformKey": RecordField(or_null(TEXT)),
        "metadata": RecordField(OBJECT),
        "attributes": _EMPTY,
        "revision": RecordField(REVISION, 1),
        "createdAt": _CREATED,
        "updatedAt": _UPDATED,
    },
    "definition": {
        "platformKey": RecordField(TEXT),
        "key": RecordField(TEXT),
        "valueType": RecordField(TEXT),
        "rules": _EMPTY,
        "defaults": _EMPTY,
        "createdAt": _CREATED,
        "updatedAt": _UPDATED,
    },
}
_NAMES = {field.column: field.public_name for field in USER_FIELDS.values()} | {"value_type": "valueType"}
"""The names in a line of what a `Rejected` names."""
_NOTIFICATION_ID = re.compile(r"[0-9A-Za-z]{1,64}")


def decode(text: bytes, limits: Limits) -> Record:
    """Read a line. Raises Broken, saying what to mend."""
    try:
        given = strict_json.loads(text)
    except strict_json.InvalidJson as error:
        raise InvalidRecord(str(error)) from None
    if not isinstance(given, dict):
        raise InvalidRecord("A line must be a JSON object.")
    type_ = given.pop("type", None)
    if not isinstance(type_, str) or type_ not in _SHAPES:
        raise InvalidRecord(f"`type` must be one of {', '.join(_SHAPES)}.")
    fields = check_complete(given, _SHAPES[type_])
    if "updatedAt" in fields and fields["updatedAt"] is None:
        fields["updatedAt"] = fields["createdAt"]
    try:
        entry = _DECODERS[type_](fields, limits)
    except Rejected as rejected:
        field = rejected.field[0] if rejected.field else ""
        raise InvalidRecord(f"`{_NAMES.get(field, field)}`: {rejected.message}") from None
    except BadUserInput as refused:
        raise InvalidRecord(refused.message) from None
    # Of the other kinds, nothing that is said gets lost.
    if isinstance(entry, UserRecord) and (changed := differing(fields | {"type": type_}, encode(entry))):
        raise InvalidRecord(f"`{changed[0]}` says something twice, or holds a null that says nothing.")
    return entry


def _tenant(given: Json, _limits: Limits) -> Tenant:
    tenant = Tenant(given["id"], given["name"], given["createdAt"])
    tenants.check_tenant(tenant)
    return tenant


def _platform(given: Json, _limits: Limits) -> Platform:
    platform = Platform(
        given["id"], given["key"], given["tenantId"], given["name"], given["createdAt"], given["strict"]
    )
    tenants.check_platform(platform)
    return platform


def _user(given: Json, _limits: Limits) -> UserRecord:
    return read_user(given)


def _notification(given: Json, _limits: Limits) -> Notification:
    if not _NOTIFICATION_ID.fullmatch(given["id"]):
        raise InvalidRecord("`id` must be 1 to 64 letters and digits.")
    return Notification(
        given["userId"],
        given["id"],
        given["kind"],
        given["title"],
        given["body"],
        given["createdAt"],
        given["readAt"],
    )


def _document(given: Json, limits: Limits) -> DocumentRecord:
    plain = read_plain(given["metadata"], given["attributes"], limits)
    metadata = strict_json.dumps(given["metadata"])
    document = MetadataDocument(
        given["userId"],
        USER_WIDE,
        metadata=metadata,
        revision=given["revision"],
        created_at=given["createdAt"],
        updated_at=given["updatedAt"],
        conditions=None,
        expires_at=None,
        attributes="{}",
    )
    size = len(metadata.encode())
    if not given["attributes"]:
        check_document(len(plain), size, limits)
        return DocumentRecord(given["platformKey"], document)
    content = read_content(plain, given["attributes"], given["createdAt"], limits)
    check_document(len(content), size + content.hidden_size(), limits)
    document = document._replace(expires_at=content.expires_at, **content.encode())
    return DocumentRecord(given["platformKey"], document)


def _definition(given: Json, limits: Limits) -> DefinitionRecord:
    check_definition(given["key"], given["valueType"], given["rules"], given["defaults"], limits)
    row = StoredDefinition(
        "",
        given["key"],
        given["valueType"],
        stored_rules=strict_json.dumps(given["rules"]),
        stored_defaults=strict_json.dumps(given["defaults"]),
        created_at=given["createdAt"],
        updated_at=given["updatedAt"],
    )
    return DefinitionRecord(given["platformKey"], row)


_DECODERS: dict[str, Callable[[Json, Limits], Record]] = {
    "tenant": _tenant,
    "platform": _platform,
    "user": _user,
    "notification": _notification,
    "document": _document,
    "definition": _definition,
}
