"""What the database has of that which lines name: it decides whether a line is new, known, or impossible."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions import rows as stored_definitions
from gql_service.domain.definitions.define import MAX_DEFINITIONS
from gql_service.domain.definitions.definitions import NO_DEFINITIONS, PlatformDefinitions, StoredDefinition
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.users import notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.notifications import Notification
from gql_service.store.connection import Connection
from gql_service.transfer.exporter import people_with
from gql_service.transfer.record_fields import InvalidRecord, differing
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import UserRecord

RecordLocation = tuple[str, str | None]
"""A user's id and a platform's key."""


class ExistingRecords:
    """Entries by their keys: what the database has, and what was added since."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.platforms: dict[str, Platform] = {}
        self.people: dict[str, UserRecord] = {}
        self.notifications: dict[tuple[str, str], Notification] = {}
        self.documents: dict[RecordLocation, DocumentRecord] = {}
        self.definitions: dict[tuple[str, str], DefinitionRecord] = {}
        self.rules: dict[str, PlatformDefinitions] = {}
        """By the ids of platforms."""
        self._platform_ids: set[str] = set()
        self._usernames: set[str] = set()

    def lacks(self, entry: Record) -> bool:
        """Whether an entry is new, and not there as it is. Raises Broken where it cannot be added."""
        match entry:
            case Tenant():
                found: Record | None = self.tenants.get(entry.id)
            case Platform():
                found = self.platforms.get(entry.key)
            case UserRecord():
                found = self.people.get(entry.user.user_id)
            case Notification():
                found = self.notifications.get(entry.key)
            case DocumentRecord():
                found = self.documents.get(_place(entry))
            case DefinitionRecord():
                found = self.definitions.get((entry.platform_key, entry.definition.key))
        if found is None:
            self._require_named(entry)
            return True
        if differs := differing(encode(entry), encode(found)):
            names = ", ".join(f"`{name}`" for name in differs)
            raise InvalidRecord(
                f"It is there already, with another {names}. Leave the line out to keep what is there."
            )
        return False

    def add(self, entry: Record) -> None:
        match entry:
            case Tenant():
                self.tenants[entry.id] = entry
            case Platform():
                self.platforms[entry.key] = entry
                self._platform_ids.add(entry.id)
                self.rules.setdefault(entry.id, PlatformDefinitions({}, bool(entry.strict)))
            case UserRecord():
                self.people[entry.user.user_id] = entry
                self._usernames.add(entry.user.username)
            case Notification():
                self.notifications[entry.key] = entry
            case DocumentRecord():
                self.documents[_place(entry)] = entry
            case DefinitionRecord(platform_key, definition):
                self.definitions[(platform_key, definition.key)] = entry
                rules = self.rules[self.platforms[platform_key].id]
                known = {**rules.definitions, definition.key: definition.definition}
                self.rules[self.platforms[platform_key].id] = rules._replace(definitions=known)

    def located(self, filed: DocumentRecord) -> MetadataDocument:
        """A document under the id of its platform, which is known."""
        platform_id = USER_WIDE if filed.platform_key is None else self.platforms[filed.platform_key].id
        return filed.document._replace(platform_id=platform_id)

    def defined(self, entry: DefinitionRecord) -> StoredDefinition:
        """A definition under the id of its platform, which is known."""
        return entry.definition._replace(platform_id=self.platforms[entry.platform_key].id)

    def governing(self, filed: DocumentRecord) -> tuple[str, PlatformDefinitions]:
        """The tenant whose admins administer a document, which may be added, and what binds it."""
        if filed.platform_key is None:
            return self.people[filed.document.user_id].user.tenant_id, NO_DEFINITIONS
        platform = self.platforms[filed.platform_key]
        return platform.tenant_id, self.rules[platform.id]

    def _require_named(self, entry: Record) -> None:
        match entry:
            case Platform():
                self._require_tenants("tenantId", [entry.tenant_id])
                if entry.id in self._platform_ids:
                    raise InvalidRecord(f"Another platform has the `id` {entry.id}.")
            case UserRecord(user, _):
                self._require_tenants("tenantId", [user.tenant_id])
                self._require_tenants("permissions", user.tenant_ids)
                if user.username in self._usernames:
                    raise InvalidRecord(f"`username`: {user.username} is taken by another user.")
            case Notification():
                self._require_user(entry.user_id)
            case DocumentRecord(platform_key, document):
                self._require_user(document.user_id)
                if platform_key is not None:
                    self._require_platform(platform_key)
            case DefinitionRecord(platform_key, _):
                self._require_platform(platform_key)
                if len(self.rules[self.platforms[platform_key].id].definitions) >= MAX_DEFINITIONS:
                    raise InvalidRecord(
                        f"The platform has {MAX_DEFINITIONS} definitions; no more are allowed."
                    )

    def _require_tenants(self, field: str, ids: Iterable[str]) -> None:
        for id in sorted(ids):
            if id not in self.tenants:
                _refuse_unknown(field, "tenant", id)

    def _require_platform(self, key: str) -> None:
        if key not in self.platforms:
            _refuse_unknown("platformKey", "platform", key)

    def _require_user(self, id: str) -> None:
        if id not in self.people:
            _refuse_unknown("userId", "user", id)


async def known_of(transaction: Connection, entries: Sequence[Record]) -> ExistingRecords:
    """Look up whatever these entries name, and keep what is defined as it is. Raises MalformedData."""
    known = ExistingRecords()
    new_platforms = [entry for entry in entries if isinstance(entry, Platform)]
    people = [entry.user for entry in entries if isinstance(entry, UserRecord)]
    notification_keys = [entry.key for entry in entries if isinstance(entry, Notification)]
    filed = [entry for entry in entries if isinstance(entry, DocumentRecord)]
    defined = [entry for entry in entries if isinstance(entry, DefinitionRecord)]

    tenant_ids = {entry.id for entry in entries if isinstance(entry, Tenant)}
    tenant_ids.update(platform.tenant_id for platform in new_platforms)
    for user in people:
        tenant_ids |= user.tenant_ids
    keys = {platform.key for platform in new_platforms} | {each.platform_key for each in defined}
    keys |= {each.platform_key for each in filed if each.platform_key is not None}
    user_ids = {user.user_id for user in people} | {user_id for user_id, _ in notification_keys}
    user_ids |= {entry.document.user_id for entry in filed}

    found: list[Sequence[Record | None]] = [
        await tenants.tenants_by_ids(transaction, list(tenant_ids)),
        await tenants.platforms_by_keys(transaction, list(keys)),
        await people_with(transaction, list(user_ids)),
        await notifications.by_keys(transaction, notification_keys),
    ]
    for each in found:
        for entry in each:
            if entry is not None:
                known.add(entry)
    for platform in await tenants.platforms_by_ids(transaction, [platform.id for platform in new_platforms]):
        if platform is not None:
            known._platform_ids.add(platform.id)
    for other in await users.by_usernames(transaction, [user.username for user in people]):
        if other is not None:
            known._usernames.add(other.username)
    there = [entry for entry in filed if entry.platform_key is None or entry.platform_key in known.platforms]
    binding = [entry for entry in defined if entry.platform_key in known.platforms]
    await _find_rules(transaction, known, there, binding)
    rows = await documents.whole_by_keys(transaction, [known.located(entry)[:2] for entry in there])
    for entry, row in zip(there, rows, strict=True):
        if row.revision:
            known.add(DocumentRecord(entry.platform_key, row))
    return known


async def _find_rules(
    transaction: Connection,
    known: ExistingRecords,
    filed: Sequence[DocumentRecord],
    defined: Sequence[DefinitionRecord],
) -> None:
    """What binds these documents, and which of these definitions are there, of platforms that are.

    Until the transaction ends, nobody else writes documents where it defines, or defines where it writes.
    """
    binding = {known.platforms[entry.platform_key].id for entry in defined}
    bound = {known.platforms[entry.platform_key].id for entry in filed if entry.platform_key is not None}
    await transaction.hold(binding, alone=True)
    await transaction.hold(bound - binding, alone=False)
    if binding or bound:
        known.rules.update(await definitions.of_platforms(transaction, binding | bound))
    if defined:
        rows = await stored_definitions.by_keys(transaction, [known.defined(each)[:2] for each in defined])
        for entry, row in zip(defined, rows, strict=True):
            if row is not None:
                known.definitions[(entry.platform_key, row.key)] = DefinitionRecord(entry.platform_key, row)


def _place(filed: DocumentRecord) -> RecordLocation:
    return filed.document.user_id, filed.platform_key


def _refuse_unknown(field: str, what: str, id: str) -> NoReturn:
    raise InvalidRecord(f"`{field}`: there is no {what} {id[:80]!r}; its line must come before.")
