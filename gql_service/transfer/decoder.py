"""Decodes the lines of an import: checks every field, and completes the omitted ones with defaults."""

import re
from collections.abc import Callable

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.rows import check_definition
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.retention import MAX_RETENTION
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.tombstones import Tombstone
from gql_service.domain.users import identities
from gql_service.domain.users.fields import USER_FIELDS
from gql_service.domain.users.identities import Identity
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
    FieldKind,
    InvalidRecord,
    Json,
    RecordField,
    Shape,
    complete_fields,
    differing_fields,
    or_null,
)
from gql_service.transfer.records import RETENTION_NAMES, DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import USER_SHAPE, UserRecord, read_user

_CREATED = RecordField(INSTANT)
_UPDATED = RecordField(or_null(INSTANT), None)
_OFF = RecordField(BOOLEAN, False)
_RETENTION = FieldKind(
    f"an integer from 1 to {MAX_RETENTION}", lambda value: type(value) is int and 1 <= value <= MAX_RETENTION
)
_EMPTY = RecordField(OBJECT, {})
_DIGEST = FieldKind(
    "64 lower-case hexadecimal digits",
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None,
)
_SHAPES: dict[str, Shape] = {
    "tenant": {"id": RecordField(TEXT), "name": RecordField(TEXT), "createdAt": _CREATED},
    "platform": {
        "id": RecordField(TEXT),
        "key": RecordField(TEXT),
        "tenantId": RecordField(TEXT),
        "name": RecordField(TEXT),
        "strict": _OFF,
        "createdAt": _CREATED,
        **{name: RecordField(or_null(_RETENTION), None) for name in RETENTION_NAMES.values()},
    },
    "user": USER_SHAPE,
    "identity": {
        "userId": RecordField(TEXT),
        "issuer": RecordField(TEXT),
        "subject": RecordField(TEXT),
        "linkedAt": _CREATED,
    },
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
        "assignment": _EMPTY,
        "presentation": _EMPTY,
        "createdAt": _CREATED,
        "updatedAt": _UPDATED,
    },
    "tombstone": {"digest": RecordField(_DIGEST)},
}
_NAMES = {field.column: field.public_name for field in USER_FIELDS.values()} | {"value_type": "valueType"}
"""The names in a line of the fields that a `Rejected` names."""
_NOTIFICATION_ID = re.compile(r"[0-9A-Za-z]{1,64}")


def decode(text: bytes, limits: Limits) -> Record:
    """The record of a line. Raises InvalidRecord."""
    try:
        provided = strict_json.loads(text)
    except strict_json.InvalidJson as error:
        raise InvalidRecord(str(error)) from None
    if not isinstance(provided, dict):
        raise InvalidRecord("A line must be a JSON object.")
    type_ = provided.pop("type", None)
    if not isinstance(type_, str) or type_ not in _SHAPES:
        raise InvalidRecord(f"`type` must be one of {', '.join(_SHAPES)}.")
    fields = complete_fields(provided, _SHAPES[type_])
    if "updatedAt" in fields and fields["updatedAt"] is None:
        fields["updatedAt"] = fields["createdAt"]
    try:
        record = _DECODERS[type_](fields, limits)
    except Rejected as rejected:
        field = rejected.field[0] if rejected.field else ""
        raise InvalidRecord(f"`{_NAMES.get(field, field)}`: {rejected.message}") from None
    except BadUserInput as refused:
        raise InvalidRecord(refused.message) from None
    # Merging drops duplicates and nulls from the fields of users; the other kinds keep everything.
    if isinstance(record, UserRecord) and (
        changed := differing_fields(fields | {"type": type_}, encode(record))
    ):
        raise InvalidRecord(f"`{changed[0]}` contains a duplicate, or a null that has no meaning. Remove it.")
    return record


def _tenant(fields: Json, _limits: Limits) -> Tenant:
    tenant = Tenant(id=fields["id"], name=fields["name"], created_at=fields["createdAt"])
    tenants.check_tenant(tenant)
    return tenant


def _platform(fields: Json, _limits: Limits) -> Platform:
    platform = Platform(
        id=fields["id"],
        key=fields["key"],
        tenant_id=fields["tenantId"],
        name=fields["name"],
        created_at=fields["createdAt"],
        strict=fields["strict"],
        **{column: fields[name] for column, name in RETENTION_NAMES.items()},
    )
    tenants.check_platform(platform)
    return platform


def _user(fields: Json, _limits: Limits) -> UserRecord:
    return read_user(fields)


def _identity(fields: Json, _limits: Limits) -> Identity:
    identities.check_texts(fields["issuer"], fields["subject"])
    return Identity(
        issuer=fields["issuer"],
        subject=fields["subject"],
        user_id=fields["userId"],
        linked_at=fields["linkedAt"],
    )


def _notification(fields: Json, _limits: Limits) -> Notification:
    if not _NOTIFICATION_ID.fullmatch(fields["id"]):
        raise InvalidRecord("`id` must be 1 to 64 letters and digits.")
    return Notification(
        user_id=fields["userId"],
        id=fields["id"],
        kind=fields["kind"],
        title=fields["title"],
        body=fields["body"],
        created_at=fields["createdAt"],
        read_at=fields["readAt"],
    )


def _document(fields: Json, limits: Limits) -> DocumentRecord:
    plain = read_plain(fields["metadata"], fields["attributes"], limits)
    metadata = strict_json.dumps(fields["metadata"])
    document = MetadataDocument(
        user_id=fields["userId"],
        platform_id=USER_WIDE,  # until the id of the platform is known
        metadata=metadata,
        revision=fields["revision"],
        created_at=fields["createdAt"],
        updated_at=fields["updatedAt"],
        conditions=None,
        expires_at=None,
        attributes="{}",
        layout=None,
    )
    size = len(metadata.encode())
    content = read_content(plain, fields["attributes"], fields["createdAt"], limits)
    check_document(len(content), size + content.conditional_size(content.conditional_keys), limits)
    document = document._replace(expires_at=content.expires_at, **content.encode(document.revision))
    return DocumentRecord(fields["platformKey"], document)


def _definition(fields: Json, limits: Limits) -> DefinitionRecord:
    check_definition(fields, limits)
    row = StoredDefinition(
        platform_id="",  # until it is known
        key=fields["key"],
        stored_type=fields["valueType"],
        stored_rules=strict_json.dumps(fields["rules"]),
        stored_defaults=strict_json.dumps(fields["defaults"]),
        created_at=fields["createdAt"],
        updated_at=fields["updatedAt"],
        stored_assignment=strict_json.dumps(fields["assignment"]),
        stored_presentation=strict_json.dumps(fields["presentation"]),
    )
    return DefinitionRecord(fields["platformKey"], row)


def _tombstone(fields: Json, _limits: Limits) -> Tombstone:
    return Tombstone(bytes.fromhex(fields["digest"]))


_DECODERS: dict[str, Callable[[Json, Limits], Record]] = {
    "tenant": _tenant,
    "platform": _platform,
    "user": _user,
    "identity": _identity,
    "notification": _notification,
    "document": _document,
    "definition": _definition,
    "tombstone": _tombstone,
}
