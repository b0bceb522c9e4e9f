"""The context of one request: the services of the process, and the caller."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gql_service.auth.access import DocumentAccess, PlatformAccess, UserFacts
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.documents.access import (
    find_document,
    find_documents_named,
    find_documents_of,
    find_platform,
)
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.documents.visibility import DocumentView, EntryView, Viewer, entries
from gql_service.domain.history.visibility import VisibleChange, visible_change
from gql_service.domain.pagination import Page, PageRequest
from gql_service.domain.tenants import Platform
from gql_service.domain.users.rows import User
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.digest_preconditions import NO_DIGESTS, ExpectedDigests
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
from gql_service.domain.writes.unit_of_work import Precondition, Write, any_revision
from gql_service.errors import Rejected, RequestError, Unauthenticated, too_much_to_read
from gql_service.observability.security_log import LocalOrigin, Origin, SecurityEvent, SecurityLog
from gql_service.services.batch_writer import BatchWriter
from gql_service.services.loaders import Loaders
from gql_service.services.refusals import refused_write
from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.database import Database

T = TypeVar("T")
_ENTRY_COST = 1024
"""Bytes that can be read in the time in which an entry is decoded."""
_CHANGE_COST = 2 * 1024
"""The same for the change of an entry in a history."""
_HISTORY_COST = 3
"""The same for a byte of a history, which is read in a thread, and decoded."""
_BYTES_PER_TURN = 256 * 1024
"""Where a read has more, other requests get their turn between its rows."""
_DOCUMENTS_PER_READ = 32
_CONTENTS_PER_READ = 8
_CHANGES_PER_READ = 5
"""How many rows are read at a time: each may have a megabyte or two. Histories of small changes continue with
more."""
_BYTES_PER_READ = 4 * 1024 * 1024
_CONCURRENT_READS = 16
_UNKNOWN_ORIGIN = LocalOrigin()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that lives as long as the process."""

    database: Database
    loaders: Loaders
    writer: BatchWriter
    policy: Policy
    write_settings: WriteSettings
    settings: Settings
    security_log: SecurityLog
    clock: Callable[[], int]
    """Returns the current time in milliseconds since 1970 UTC."""


@dataclass(slots=True)
class Context:
    """The context of one request. `principal` is None if the request has no token."""

    services: Services
    principal: Principal | None
    source: str = "graphql"
    """The `source` recorded in the history of documents for changes by this request."""
    origin: Origin = _UNKNOWN_ORIGIN
    _platforms: dict[str, Awaitable[Platform | None]] = field(default_factory=dict)
    _histories: dict[tuple[DocumentKey, int, PageRequest], Awaitable[Page[VisibleChange]]] = field(
        default_factory=dict
    )
    _contents: dict[tuple[DocumentKey, int, int], tuple[asyncio.Future[list[Content]], int]] = field(
        default_factory=dict
    )
    _entries: dict[tuple[DocumentKey, int, int, bool], Awaitable[list[EntryView]]] = field(
        default_factory=dict
    )
    _large_reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CONCURRENT_READS))
    """Held while rows are read that may be large, so that few of them are in memory before they count."""
    reads_of_past: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the pasts of documents are read, so that each counts before the next one is read."""
    _read_size: int = 0

    @property
    def viewer(self) -> Principal:
        """The caller. Raises Unauthenticated if the request has no token."""
        if self.principal is None:
            raise Unauthenticated
        return self.principal

    def platform(self, key: str) -> Awaitable[Platform | None]:
        """Load a platform by its key, at most once per request. None if it does not exist."""
        platform = self._platforms.get(key)
        if platform is None:
            platform = self._platforms[key] = self.services.loaders.platforms.load(key)
        return platform

    def user_named(self, username: str) -> Awaitable[User | None]:
        """Load a user by username. None if they do not exist."""
        return self.services.loaders.users_named.load(username)

    def users_named(self, usernames: Sequence[str]) -> Awaitable[Sequence[User | None]]:
        """Load users by username, in the same order. None for users that do not exist."""
        return self.services.loaders.users_named.load_many(usernames)

    def access(self, platform_key: str | None, username: str | None) -> Awaitable[DocumentAccess]:
        """Access to a document for the caller: see `domain.documents.access.find_document`."""
        return find_document(self, self.services.policy, self.principal, platform_key, username)

    def platform_access(self, key: str) -> Awaitable[tuple[PlatformAccess, Platform]]:
        """Access to administer a platform: see `domain.documents.access.find_platform`."""
        return find_platform(self, self.services.policy, self.principal, key)

    def documents_named(
        self, platform: Platform, usernames: Sequence[str]
    ) -> Awaitable[list[DocumentAccess | None]]:
        """Access to documents of several users: see `domain.documents.access.find_documents_named`."""
        return find_documents_named(self, self.services.policy, self.viewer, platform, usernames)

    def history(self, row: DocumentView, request: PageRequest) -> Awaitable[Page[VisibleChange]]:
        """A page of the history of a document that was read, as the caller may see it.

        It is read and decoded once per request, however often the operation selects it.
        """
        key = row.access.key, row.revision, request
        history = self._histories.get(key)
        if history is None:
            history = self._histories[key] = asyncio.ensure_future(self._read_history(row, request))
        return history

    async def _read_history(self, row: DocumentView, request: PageRequest) -> Page[VisibleChange]:
        (content,) = await self.contents([row])
        viewer, changes, rest = Viewer(row.access, self.services.clock()), list[VisibleChange](), request
        count = _CHANGES_PER_READ
        while True:
            part = rest._replace(size=min(rest.size, count))
            found = []
            async with self._large_reads:
                self.count_read(0)  # reads nothing more if the limit is exceeded already
                page = await self.services.loaders.histories.load((row.access.key, part))
                size = sum(len(change.changes) for change in page.items)
                for change in page.items:
                    self.count_read(_HISTORY_COST * len(change.changes))
                    found.append(visible_change(viewer, change, content))
                    self.count_read(_CHANGE_COST * len(found[-1].entries))
                    if size > _BYTES_PER_TURN:
                        await asyncio.sleep(0)
            changes = found + changes if request.backwards else changes + found
            has_more = page.has_previous if request.backwards else page.has_next
            if not has_more or len(changes) == request.size:
                break
            outermost = found[0] if request.backwards else found[-1]
            rest = rest.following(len(found), str(outermost.revision))
            count = max(_CHANGES_PER_READ, len(found) * _BYTES_PER_READ // max(size, 1))
        if request.backwards:
            return Page(changes, has_more, request.before is not None)
        return Page(changes, request.after is not None, has_more)

    def count_read(self, size: int) -> None:
        """Count bytes of stored data that the request reads. Raises LimitExceeded, from then on each time."""
        limit = self.services.settings.max_read_size
        self._read_size += size
        if self._read_size > limit:
            raise too_much_to_read(limit)

    async def contents(self, rows: Sequence[DocumentView]) -> list[Content]:
        """The entries of documents that were read.

        A document is decoded once per request, however often the operation selects it.
        """
        missing: dict[tuple[DocumentKey, int, int], DocumentView] = {}
        for row in rows:
            key = _content_key(row)
            if key not in self._contents:
                missing[key] = row
        if missing:
            reading = asyncio.ensure_future(self._read_contents(list(missing.values())))
            for index, key in enumerate(missing):
                self._contents[key] = reading, index
        found = []
        for row in rows:
            read, index = self._contents[_content_key(row)]
            found.append((read.result() if read.done() else await read)[index])
        return found

    async def _read_contents(self, rows: Sequence[DocumentView]) -> list[Content]:
        contents: list[Content] = []
        for start in range(0, len(rows), _CONTENTS_PER_READ):
            part = rows[start : start + _CONTENTS_PER_READ]
            async with self._large_reads:
                self.count_read(0)
                for document in await self._with_attributes(part):
                    self.count_read(_size_of(document))
                    contents.append(document.content())
                    if _size_of(document) > _BYTES_PER_TURN and len(rows) > 1:
                        await asyncio.sleep(0)
        return contents

    async def _with_attributes(self, rows: Sequence[DocumentView]) -> Sequence[MetadataDocument]:
        """Documents with the attributes of each entry. A document that was just written already has them, and
        that of a dry run is not in the database."""
        missing = [row.access.key for row in rows if row.document.attributes is None]
        loader = self.services.loaders.documents_with_attributes
        read = iter(await loader.load_many(missing) if missing else ())
        return [next(read) if row.document.attributes is None else row.document for row in rows]

    def entries(self, row: DocumentView, *, include_inactive: bool) -> Awaitable[list[EntryView]]:
        """The entries of a document that the caller sees; see `domain.documents.visibility.entries`.

        They are listed once per request.
        """
        key = *_content_key(row), include_inactive
        listed = self._entries.get(key)
        if listed is None:
            listed = self._entries[key] = asyncio.ensure_future(self._list_entries(row, include_inactive))
        return listed

    async def _list_entries(self, row: DocumentView, include_inactive: bool) -> list[EntryView]:
        (content,) = await self.contents([row])
        self.count_read(_ENTRY_COST * len(content))
        viewer, keys = Viewer(row.access, self.services.clock()), self.services.write_settings.keys
        return entries(viewer, content, keys, include_inactive=include_inactive)

    async def document(self, access: DocumentAccess) -> DocumentView:
        """Read a document as the caller may see it."""
        return self.view(access, await self.services.loaders.documents.load(access.key))

    async def documents_of(
        self, platform_key: str | None, users: Sequence[UserFacts]
    ) -> list[DocumentView | RequestError]:
        """Read the documents of loaded users: see `domain.documents.access.find_documents_of`."""
        results = await find_documents_of(self, self.services.policy, self.viewer, platform_key, users)
        keys = [each.key for each in results if isinstance(each, DocumentAccess)]
        found: list[MetadataDocument] = []
        for start in range(0, len(keys), _DOCUMENTS_PER_READ):
            part = await self.services.loaders.documents.load_many(keys[start : start + _DOCUMENTS_PER_READ])
            self.count_read(sum(map(_size_of, part)))
            found += part
        documents = iter(found)
        return [
            self.view(each, next(documents)) if isinstance(each, DocumentAccess) else each for each in results
        ]

    def view(self, access: DocumentAccess, document: MetadataDocument) -> DocumentView:
        """A document as the caller may see it now."""
        return DocumentView.of(access, document, self.services.write_settings.keys, self.services.clock)

    async def write_with(
        self, work: Callable[[Connection, int], Awaitable[T]], target: str | None = None
    ) -> T:
        """Run `work` in one transaction. It is called with the connection and the current time.

        `target` is the id of the user or the key of the platform that is changed. Raises what `work` raises.
        """
        services = self.services
        try:
            return await services.database.write(
                lambda connection: work(connection, services.clock()), self._log_all
            )
        except Rejected as error:
            self.log_refusal(error, target)
            raise

    async def write(
        self,
        access: DocumentAccess,
        change: Change,
        precondition: Precondition = any_revision,
        idempotency_key: IdempotencyKey | None = None,
        expected: ExpectedDigests = NO_DIGESTS,
    ) -> WriteResult:
        """Write a document in one transaction. Raises Rejected or Unavailable."""
        try:
            return await self.services.writer.write(
                Write(access, change, precondition, self.source, idempotency_key, expected)
            )
        except Rejected as error:
            platform = "" if access.platform_key is None else f":{access.platform_key}"
            self.log_refusal(error, f"{access.user_id}{platform}")
            raise

    def log_refusal(self, error: RequestError | Rejected, target: str | None = None) -> None:
        """Put a write that has failed into the security log, if the caller lacked the right to do it."""
        event = refused_write(error, target)
        if event is not None:
            self._log_all([event])

    def _log_all(self, events: Iterable[SecurityEvent]) -> None:
        actor = None if self.principal is None else self.principal.user_id
        for event in events:
            self.services.security_log.write(event, source=self.source, actor=actor, origin=self.origin)


def _content_key(row: DocumentView) -> tuple[DocumentKey, int, int]:
    """Tells the states of a document apart. That of a dry run has the revision of a later write."""
    return row.access.key, row.revision, 0 if row.document.attributes is None else id(row.document)


def _size_of(document: MetadataDocument) -> int:
    return len(document.metadata) + len(document.conditions or "") + len(document.attributes or "")
