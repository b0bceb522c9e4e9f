"""The lines of an export: each one JSON object, whose `type` says which of the six kinds it is.

Instants are milliseconds. A user's line carries their badges; a document's names the platform by its key,
and none for the user-wide one. What a document or a definition consists of is told as it is stored.
"""

from typing import NamedTuple

import orjson

from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.users.notifications import Notification
from gql_service.errors import BadUserInput, MalformedData
from gql_service.transfer.record_fields import Json
from gql_service.transfer.user_records import UserRecord, user_record


class DocumentRecord(NamedTuple):
    """A document with the key of its platform, whose id is not known before the database is asked."""

    platform_key: str | None
    document: MetadataDocument


class DefinitionRecord(NamedTuple):
    """A definition with the key of its platform, whose id is not known before the database is asked."""

    platform_key: str
    definition: StoredDefinition


Record = Tenant | Platform | UserRecord | Notification | DocumentRecord | DefinitionRecord


def encode(entry: Record) -> Json:
    """The line of an entry. Raises MalformedData where what is stored breaks a rule."""
    match entry:
        case Tenant(id, name, created_at):
            return {"type": "tenant", "id": id, "name": name, "createdAt": created_at}
        case Platform(id, key, tenant_id, name, created_at, strict):
            line = {"type": "platform", "id": id, "key": key, "tenantId": tenant_id, "name": name}
            return line | {"createdAt": created_at, "strict": bool(strict)}
        case UserRecord(user, badges):
            return {"type": "user"} | user_record(user, badges)
        case Notification():
            return {
                "type": "notification",
                "userId": entry.user_id,
                "id": entry.id,
                "kind": entry.kind,
                "title": entry.title,
                "body": entry.body,
                "createdAt": entry.created_at,
                "readAt": entry.read_at,
            }
        case DocumentRecord(platform_key, document):
            return {
                "type": "document",
                "userId": document.user_id,
                "platformKey": platform_key,
                "metadata": _stored(document.metadata, "metadata", document.user_id),
                "attributes": _told(document),
                "revision": document.revision,
                "createdAt": document.created_at,
                "updatedAt": document.updated_at,
            }
        case DefinitionRecord(platform_key, definition):
            return {
                "type": "definition",
                "platformKey": platform_key,
                "key": definition.key,
                "valueType": definition.stored_type,
                "rules": _of_definition(definition.stored_rules, "rules", entry),
                "defaults": _of_definition(definition.stored_defaults, "defaults", entry),
                "createdAt": definition.created_at,
                "updatedAt": definition.updated_at,
            }


def _stored(text: str, field: str, user_id: str) -> Json:
    value = _object(text)
    if value is None:
        raise MalformedData(field, user_id, "not a JSON object")
    return value


def _told(document: MetadataDocument) -> Json:
    try:
        return document.content().recorded_attributes()
    except (AttributeError, TypeError, ValueError):
        raise MalformedData("attributes", document.user_id, "not an object of objects") from None


def _of_definition(text: str, field: str, defined: DefinitionRecord) -> Json:
    value = _object(text)
    if value is None:
        whose = f"the definition of {defined.definition.key[:40]!r} on the platform {defined.platform_key}"
        raise BadUserInput(f"The stored `{field}` of {whose} is malformed: not a JSON object.")
    return value


def _object(text: str) -> Json | None:
    if text == "{}":
        return {}
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
