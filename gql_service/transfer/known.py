"""What the database has of that which lines name: it decides whether a line is new, known, or impossible."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from gql_service.auth.policy import USER_WIDE
from gql_service.domain import documents, notifications, tenants, users
from gql_service.domain.documents import Document
from gql_service.domain.notifications import Notification
from gql_service.domain.tenants import Platform, Tenant
from gql_service.store.connection import Connection
from gql_service.transfer.exporting import people_with
from gql_service.transfer.lines import Entry, Filed, Person, encode
from gql_service.transfer.shapes import Broken, differing

Place = tuple[str, str | None]
"""A user's id and a platform's key."""


class Known:
    """Entries by their keys: what the database has, and what was added since."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.platforms: dict[str, Platform] = {}
        self.people: dict[str, Person] = {}
        self.notifications: dict[tuple[str, str], Notification] = {}
        self.documents: dict[Place, Filed] = {}
        self._platform_ids: set[str] = set()
        self._usernames: set[str] = set()

    def lacks(self, entry: Entry) -> bool:
        """Whether an entry is new, and not there as it is. Raises Broken where it cannot be added."""
        match entry:
            case Tenant():
                found: Entry | None = self.tenants.get(entry.id)
            case Platform():
                found = self.platforms.get(entry.key)
            case Person():
                found = self.people.get(entry.user.user_id)
            case Notification():
                found = self.notifications.get(entry[:2])
            case Filed():
                found = self.documents.get(_place(entry))
        if found is None:
            self._require_named(entry)
            return True
        if differs := differing(encode(entry), encode(found)):
            names = ", ".join(f"`{name}`" for name in differs)
            raise Broken(
                f"It is there already, with another {names}. Leave the line out to keep what is there."
            )
        return False

    def add(self, entry: Entry) -> None:
        match entry:
            case Tenant():
                self.tenants[entry.id] = entry
            case Platform():
                self.platforms[entry.key] = entry
                self._platform_ids.add(entry.id)
            case Person():
                self.people[entry.user.user_id] = entry
                self._usernames.add(entry.user.username)
            case Notification():
                self.notifications[entry[:2]] = entry
            case Filed():
                self.documents[_place(entry)] = entry

    def located(self, filed: Filed) -> Document:
        """A document under the id of its platform, which is known."""
        platform_id = USER_WIDE if filed.platform_key is None else self.platforms[filed.platform_key].id
        return filed.document._replace(platform_id=platform_id)

    def _require_named(self, entry: Entry) -> None:
        match entry:
            case Platform():
                self._require_tenants("tenantId", [entry.tenant_id])
                if entry.id in self._platform_ids:
                    raise Broken(f"Another platform has the `id` {entry.id}.")
            case Person(user, _):
                self._require_tenants("tenantId", [user.tenant_id])
                self._require_tenants("permissions", user.tenant_ids)
                if user.username in self._usernames:
                    raise Broken(f"`username`: {user.username} is taken by another user.")
            case Notification():
                self._require_user(entry.user_id)
            case Filed(platform_key, document):
                self._require_user(document.user_id)
                if platform_key is not None and platform_key not in self.platforms:
                    _refuse_unknown("platformKey", "platform", platform_key)

    def _require_tenants(self, field: str, ids: Iterable[str]) -> None:
        for id in sorted(ids):
            if id not in self.tenants:
                _refuse_unknown(field, "tenant", id)

    def _require_user(self, id: str) -> None:
        if id not in self.people:
            _refuse_unknown("userId", "user", id)


async def known_of(connection: Connection, entries: Sequence[Entry]) -> Known:
    """Look up whatever these entries name. Raises MalformedData."""
    known = Known()
    new_platforms = [entry for entry in entries if isinstance(entry, Platform)]
    people = [entry.user for entry in entries if isinstance(entry, Person)]
    told = [entry[:2] for entry in entries if isinstance(entry, Notification)]
    filed = [entry for entry in entries if isinstance(entry, Filed)]

    tenant_ids = {entry.id for entry in entries if isinstance(entry, Tenant)}
    tenant_ids.update(platform.tenant_id for platform in new_platforms)
    for user in people:
        tenant_ids |= user.tenant_ids
    keys = {platform.key for platform in new_platforms} | {entry.platform_key for entry in filed} - {None}
    user_ids = {user.user_id for user in people} | {user_id for user_id, _ in told}
    user_ids |= {entry.document.user_id for entry in filed}

    found: list[Sequence[Entry | None]] = [
        await tenants.tenants_by_ids(connection, list(tenant_ids)),
        await tenants.platforms_by_keys(connection, [key for key in keys if key is not None]),
        await people_with(connection, list(user_ids)),
        await notifications.by_keys(connection, told),
    ]
    for each in found:
        for entry in each:
            if entry is not None:
                known.add(entry)
    for platform in await tenants.platforms_by_ids(connection, [platform.id for platform in new_platforms]):
        if platform is not None:
            known._platform_ids.add(platform.id)
    for other in await users.by_usernames(connection, [user.username for user in people]):
        if other is not None:
            known._usernames.add(other.username)
    await _find_documents(connection, known, filed)
    return known


async def _find_documents(connection: Connection, known: Known, filed: Sequence[Filed]) -> None:
    """Those that are there, of those whose platform is."""
    there = [entry for entry in filed if entry.platform_key is None or entry.platform_key in known.platforms]
    rows = await documents.by_keys(connection, [known.located(entry)[:2] for entry in there])
    for entry, row in zip(there, rows, strict=True):
        if row.revision:
            known.add(Filed(entry.platform_key, row))


def _place(filed: Filed) -> Place:
    return filed.document.user_id, filed.platform_key


def _refuse_unknown(field: str, what: str, id: str) -> NoReturn:
    raise Broken(f"`{field}`: there is no {what} {id[:80]!r}; its line must come before.")
