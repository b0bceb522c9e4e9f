"""The records of an export. Each line is the JSON object of one record, with its kind as `type`.

Times are milliseconds since 1970. A user has their badges. A document has the key of its platform, null for
the user-wide document. The contents of documents and definitions have the same form as in the database. A
tombstone has the digest of an id or a key that was deleted, in hexadecimal.
"""

from typing import NamedTuple

import orjson

from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.tombstones import Tombstone
from gql_service.domain.users.identities import Identity
from gql_service.domain.users.notifications import Notification
from gql_service.errors import BadUserInput, MalformedData
from gql_service.quoting import quoted
from gql_service.transfer.record_fields import Json
from gql_service.transfer.user_records import UserRecord, user_record


class DocumentRecord(NamedTuple):
    """A document and the key of its platform; in an import, the id of the platform is not set yet."""

    platform_key: str | None
    document: MetadataDocument


class DefinitionRecord(NamedTuple):
    """A definition and the key of its platform; in an import, the id of the platform is not set yet."""

    platform_key: str
    definition: StoredDefinition


RETENTION_NAMES = {
    "history_max_age": "historyMaxAge",
    "history_max_changes": "historyMaxChanges",
    "idempotency_max_age": "idempotencyMaxAge",
}
"""The retention of a platform. Exports have only what the platform has chosen."""

Record = (
    Tenant | Platform | UserRecord | Identity | Notification | DocumentRecord | DefinitionRecord | Tombstone
)


def encode(record: Record) -> Json:
    """The JSON object of a record.

    Raises MalformedData, or BadUserInput for a definition, if stored data breaks a rule.
    """
    match record:
        case Tenant():
            return {"type": "tenant", "id": record.id, "name": record.name, "createdAt": record.created_at}
        case Platform():
            return {
                "type": "platform",
                "id": record.id,
                "key": record.key,
                "tenantId": record.tenant_id,
                "name": record.name,
                "createdAt": record.created_at,
                "strict": bool(record.strict),
            } | {
                RETENTION_NAMES[column]: number
                for column, number in record.own_retention._asdict().items()
                if number is not None
            }
        case UserRecord():
            return {"type": "user"} | user_record(record.user, record.badges)
        case Identity():
            return {
                "type": "identity",
                "userId": record.user_id,
                "issuer": record.issuer,
                "subject": record.subject,
                "linkedAt": record.linked_at,
            }
        case Notification():
            return {
                "type": "notification",
                "userId": record.user_id,
                "id": record.id,
                "kind": record.kind,
                "title": record.title,
                "body": record.body,
                "createdAt": record.created_at,
                "readAt": record.read_at,
            }
        case DocumentRecord():
            document = record.document
            return {
                "type": "document",
                "userId": document.user_id,
                "platformKey": record.platform_key,
                "metadata": _stored(document.metadata, "metadata", document.user_id),
                "attributes": _stored_attributes(document),
                "revision": document.revision,
                "createdAt": document.created_at,
                "updatedAt": document.updated_at,
            }
        case DefinitionRecord():
            definition = record.definition
            return {
                "type": "definition",
                "platformKey": record.platform_key,
                "key": definition.key,
                "valueType": definition.stored_type,
                "rules": _stored_in_definition(definition.stored_rules, "rules", record),
                "defaults": _stored_in_definition(definition.stored_defaults, "defaults", record),
                "createdAt": definition.created_at,
                "updatedAt": definition.updated_at,
            } | _assignment_and_presentation(record)
        case Tombstone():
            return {"type": "tombstone", "digest": record.digest.hex()}


def _stored(text: str, field: str, user_id: str) -> Json:
    value = _object(text)
    if value is None:
        raise MalformedData(field, user_id, "not a JSON object")
    return value


def _stored_attributes(document: MetadataDocument) -> Json:
    try:
        return document.content().recorded_attributes()
    except (AttributeError, TypeError, ValueError):
        raise MalformedData("attributes", document.user_id, "not an object of objects") from None


def _assignment_and_presentation(record: DefinitionRecord) -> Json:
    """Exports have only what was chosen."""
    definition = record.definition
    stored = {
        "assignment": _stored_in_definition(definition.stored_assignment, "assignment", record),
        "presentation": _stored_in_definition(definition.stored_presentation, "presentation", record),
    }
    return {name: members for name, members in stored.items() if members}


def _stored_in_definition(text: str, field: str, record: DefinitionRecord) -> Json:
    value = _object(text)
    if value is None:
        owner = f"the definition of {quoted(record.definition.key)} on the platform {record.platform_key}"
        raise BadUserInput(f"The stored `{field}` of {owner} is malformed: not a JSON object.")
    return value


def _object(text: str) -> Json | None:
    """The JSON object, or None if the text is something else."""
    if text == "{}":
        return {}
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
