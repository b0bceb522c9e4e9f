"""The stored records that imported lines refer to, to tell new, equal and conflicting records apart."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants, tombstones
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions import rows as definition_rows
from gql_service.domain.definitions.define import MAX_DEFINITIONS
from gql_service.domain.definitions.definitions import NO_DEFINITIONS, PlatformDefinitions, StoredDefinition
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.tombstones import Grave, Tombstone, all_buried
from gql_service.domain.users import identities, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.identities import Identity
from gql_service.domain.users.notifications import Notification
from gql_service.domain.users.rows import User
from gql_service.names import fold
from gql_service.quoting import quoted
from gql_service.store.connection import Connection, LostRace
from gql_service.transfer.exporter import load_users_with_badges
from gql_service.transfer.record_fields import InvalidRecord, differing_fields
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import UserRecord

RecordLocation = tuple[str, str | None]
"""The id of a user and the key of a platform, None for the user-wide document."""


class ExistingRecords:
    """Records by their keys: those in the database, and those added during the import."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.platforms: dict[str, Platform] = {}
        self.users: dict[str, UserRecord] = {}
        self.identities: dict[tuple[str, str], Identity] = {}
        self.notifications: dict[tuple[str, str], Notification] = {}
        self.documents: dict[RecordLocation, DocumentRecord] = {}
        self.definitions: dict[tuple[str, str], DefinitionRecord] = {}
        self.platform_definitions: dict[str, PlatformDefinitions] = {}
        """By platform id."""
        self.platform_ids: set[str] = set()
        self.name_keys: set[str] = set()
        """Folds of the usernames that are taken."""
        self.email_keys: set[tuple[str, str]] = set()
        """Home tenants, with folds of the email addresses that are taken there."""
        self.tombstones: set[Tombstone] = set()
        self.buried: set[str] = set()
        """New ids and keys that belonged to what was deleted."""

    def is_new(self, record: Record) -> bool:
        """Whether the record must be added; False if an equal one is stored.

        Raises InvalidRecord if a different one is stored, or if the record cannot be added.
        """
        match record:
            case Tenant():
                stored: Record | None = self.tenants.get(record.id)
            case Platform():
                stored = self.platforms.get(record.key)
            case UserRecord():
                stored = self.users.get(record.user.user_id)
            case Identity():
                stored = self.identities.get(record.key)
            case Notification():
                stored = self.notifications.get(record.key)
            case DocumentRecord():
                stored = self.documents.get(_location(record))
            case DefinitionRecord():
                stored = self.definitions.get((record.platform_key, record.definition.key))
            case Tombstone():
                stored = record if record in self.tombstones else None
        if stored is None:
            self._check_references(record)
            return True
        if names := differing_fields(encode(record), encode(stored)):
            differences = ", ".join(f"`{name}`" for name in names)
            raise InvalidRecord(
                f"This record is already stored with a different {differences}. "
                "Remove the line to keep the stored record."
            )
        return False

    def add(self, record: Record) -> None:
        match record:
            case Tenant():
                self.tenants[record.id] = record
            case Platform():
                self.platforms[record.key] = record
                self.platform_ids.add(record.id)
                self.platform_definitions.setdefault(record.id, PlatformDefinitions({}, bool(record.strict)))
            case UserRecord():
                self.users[record.user.user_id] = record
                self.take_names(record.user)
            case Identity():
                self.identities[record.key] = record
            case Notification():
                self.notifications[record.key] = record
            case Tombstone():
                self.tombstones.add(record)
            case DocumentRecord():
                self.documents[_location(record)] = record
            case DefinitionRecord():
                definition = record.definition
                self.definitions[(record.platform_key, definition.key)] = record
                platform_id = self.platforms[record.platform_key].id
                platform = self.platform_definitions[platform_id]
                by_key = {**platform.definitions, definition.key: definition.definition}
                self.platform_definitions[platform_id] = platform._replace(definitions=by_key)

    def take_names(self, user: User) -> None:
        """Note which name and email address a user has."""
        self.name_keys.add(fold(user.username))
        self.email_keys.add((user.tenant_id, fold(user.email)))

    def document_row(self, record: DocumentRecord) -> MetadataDocument:
        """The document with the id of its platform, which must exist."""
        platform_id = USER_WIDE if record.platform_key is None else self.platforms[record.platform_key].id
        return record.document._replace(platform_id=platform_id)

    def definition_row(self, record: DefinitionRecord) -> StoredDefinition:
        """The definition with the id of its platform, which must exist."""
        return record.definition._replace(platform_id=self.platforms[record.platform_key].id)

    def tenant_and_definitions(self, record: DocumentRecord) -> tuple[str, PlatformDefinitions]:
        """The id of the tenant that administers a document, and the definitions that apply to it.

        The user and the platform of the document must exist.
        """
        if record.platform_key is None:
            return self.users[record.document.user_id].user.tenant_id, NO_DEFINITIONS
        platform = self.platforms[record.platform_key]
        return platform.tenant_id, self.platform_definitions[platform.id]

    def _check_references(self, record: Record) -> None:
        """Raises InvalidRecord if a new record refers to a missing record, or takes a unique name or id."""
        match record:
            case Tenant():
                self._require_unburied("id", record.id)
            case Platform():
                self._require_tenants("tenantId", [record.tenant_id])
                self._require_unburied("id", record.id)
                self._require_unburied("key", record.key)
                if record.id in self.platform_ids:
                    raise InvalidRecord(f"Another platform has the `id` {record.id}.")
            case UserRecord():
                user = record.user
                self._require_tenants("tenantId", [user.tenant_id])
                self._require_tenants("permissions", user.tenant_ids)
                if fold(user.username) in self.name_keys:
                    raise InvalidRecord(
                        f"`username`: {user.username} is taken by another user, perhaps in another spelling."
                    )
                if (user.tenant_id, fold(user.email)) in self.email_keys:
                    raise InvalidRecord(
                        f"`email`: another user of the tenant {user.tenant_id} has the address of "
                        f"{user.username}; upper and lower case do not differ."
                    )
                self._require_unburied("id", user.user_id)
            case Identity() | Notification():
                self._require_user(record.user_id)
            case DocumentRecord():
                self._require_user(record.document.user_id)
                if record.platform_key is not None:
                    self._require_platform(record.platform_key)
            case DefinitionRecord():
                self._require_platform(record.platform_key)
                platform_id = self.platforms[record.platform_key].id
                if len(self.platform_definitions[platform_id].definitions) >= MAX_DEFINITIONS:
                    raise InvalidRecord(
                        f"The platform has {MAX_DEFINITIONS} definitions; no more are allowed."
                    )

    def _require_unburied(self, field: str, id: str) -> None:
        if id in self.buried:
            raise InvalidRecord(
                f"`{field}`: {id} was deleted, and is never given out again. Remove the line."
            )

    def _require_tenants(self, field: str, ids: Iterable[str]) -> None:
        for id in sorted(ids):
            if id not in self.tenants:
                _reject_reference(field, "tenant", id)

    def _require_platform(self, key: str) -> None:
        if key not in self.platforms:
            _reject_reference("platformKey", "platform", key)

    def _require_user(self, id: str) -> None:
        if id not in self.users:
            _reject_reference("userId", "user", id)


async def load_existing(transaction: Connection, records: Sequence[Record]) -> ExistingRecords:
    """Load the stored records that have the keys of these records or that these refer to.

    The definitions that apply to them are locked until the transaction ends. Raises MalformedData.
    """
    existing = ExistingRecords()
    new_platforms = [record for record in records if isinstance(record, Platform)]
    new_users = [record.user for record in records if isinstance(record, UserRecord)]
    new_identities = [record for record in records if isinstance(record, Identity)]
    notification_keys = [_notification_key(record) for record in records if isinstance(record, Notification)]
    document_records = [record for record in records if isinstance(record, DocumentRecord)]
    definition_records = [record for record in records if isinstance(record, DefinitionRecord)]

    tenant_ids = {record.id for record in records if isinstance(record, Tenant)}
    tenant_ids.update(platform.tenant_id for platform in new_platforms)
    for user in new_users:
        tenant_ids |= user.tenant_ids
    platform_keys = {platform.key for platform in new_platforms}
    platform_keys |= {record.platform_key for record in definition_records}
    platform_keys |= {record.platform_key for record in document_records if record.platform_key is not None}
    user_ids = {user.user_id for user in new_users} | {user_id for user_id, _ in notification_keys}
    user_ids |= {identity.user_id for identity in new_identities}
    user_ids |= {record.document.user_id for record in document_records}

    stored_records: list[Sequence[Record | None]] = [
        await tenants.tenants_by_ids(transaction, list(tenant_ids)),
        await tenants.platforms_by_keys(transaction, list(platform_keys)),
        await load_users_with_badges(transaction, list(user_ids)),
        await identities.by_keys(transaction, [identity.key for identity in new_identities]),
        await notifications.by_keys(transaction, notification_keys),
        await tombstones.stored(transaction, [each for each in records if isinstance(each, Tombstone)]),
    ]
    for of_one_kind in stored_records:
        for stored in of_one_kind:
            if stored is not None:
                existing.add(stored)
    for platform in await tenants.platforms_by_ids(transaction, [platform.id for platform in new_platforms]):
        if platform is not None:
            existing.platform_ids.add(platform.id)
    await _load_names(transaction, existing, new_users)
    existing.buried = await _buried(transaction, records)
    locatable = [
        record
        for record in document_records
        if record.platform_key is None or record.platform_key in existing.platforms
    ]
    of_stored_platforms = [
        record for record in definition_records if record.platform_key in existing.platforms
    ]
    await _load_definitions(transaction, existing, locatable, of_stored_platforms)
    await _load_documents(transaction, existing, locatable)
    return existing


async def _load_names(transaction: Connection, existing: ExistingRecords, new_users: Sequence[User]) -> None:
    """Load the users who have the names and the email addresses of new users."""
    holders = await users.by_usernames(transaction, [user.username for user in new_users])
    for tenant_id in {user.tenant_id for user in new_users}:
        emails = [user.email for user in new_users if user.tenant_id == tenant_id]
        holders += await users.by_emails(transaction, tenant_id, emails)
    for holder in holders:
        if holder is not None:
            existing.take_names(holder)


async def _buried(transaction: Connection, records: Sequence[Record]) -> set[str]:
    named: list[tuple[Grave, str]] = []
    for record in records:
        match record:
            case Tenant():
                named.append((Grave.TENANT_ID, record.id))
            case Platform():
                named += [(Grave.PLATFORM_ID, record.id), (Grave.PLATFORM_KEY, record.key)]
            case UserRecord():
                named.append((Grave.USER_ID, record.user.user_id))
    return await all_buried(transaction, named)


async def _load_documents(
    transaction: Connection, existing: ExistingRecords, document_records: Sequence[DocumentRecord]
) -> None:
    keys = [(row.user_id, row.platform_id) for row in map(existing.document_row, document_records)]
    rows = await documents.by_keys_with_attributes(transaction, keys)
    for record, row in zip(document_records, rows, strict=True):
        if row.revision:
            existing.add(DocumentRecord(record.platform_key, row))


async def _load_definitions(
    transaction: Connection,
    existing: ExistingRecords,
    document_records: Sequence[DocumentRecord],
    definition_records: Sequence[DefinitionRecord],
) -> None:
    """Load the definitions that apply to the documents, and those that the definition records would change.

    The locks prevent other transactions from writing documents of the platforms whose definitions are
    imported, and from defining keys of the platforms whose documents are imported.
    """
    defined = {existing.platforms[record.platform_key].id for record in definition_records}
    written = {
        existing.platforms[record.platform_key].id
        for record in document_records
        if record.platform_key is not None
    }
    await transaction.lock(defined, exclusive=True)
    await transaction.lock(written - defined, exclusive=False)
    if defined or written:
        found = await definitions.of_platforms(transaction, defined | written)
        if found.keys() < defined | written:
            raise LostRace  # another transaction has just deleted a platform
        existing.platform_definitions.update(found)
    if definition_records:
        keys = [(row.platform_id, row.key) for row in map(existing.definition_row, definition_records)]
        rows = await definition_rows.by_keys(transaction, keys)
        for record, row in zip(definition_records, rows, strict=True):
            if row is not None:
                stored = DefinitionRecord(record.platform_key, row)
                existing.definitions[(record.platform_key, row.key)] = stored


def _notification_key(notification: Notification) -> tuple[str, str]:
    return notification.user_id, notification.id


def _location(record: DocumentRecord) -> RecordLocation:
    return record.document.user_id, record.platform_key


def _reject_reference(field: str, kind: str, id: str) -> NoReturn:
    raise InvalidRecord(f"`{field}`: there is no {kind} {quoted(id)}. Its line must come before this one.")
