"""The context of one request: the services of the process, and the caller."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE, DocumentAccess, PlatformAccess, UserFacts
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.auth.scopes import Scope
from gql_service.domain.documents.access import (
    find_document,
    find_documents_named,
    find_documents_of,
    find_platform,
)
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.events.arrivals import check_given
from gql_service.domain.events.feed import PositionedEvent
from gql_service.domain.maintenance.user_export import export_user
from gql_service.domain.pagination import Page, PageRequest
from gql_service.domain.search.directory import UserSearch
from gql_service.domain.search.members import MemberSearch
from gql_service.domain.tenants import Platform
from gql_service.domain.users.rows import User
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.budget import WriteBudget
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.digest_preconditions import NO_DIGESTS, ExpectedDigests
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
from gql_service.domain.writes.unit_of_work import Precondition, Write, any_revision
from gql_service.errors import Rejected, RequestError, Unauthenticated
from gql_service.observability.security_log import EventKind, LocalOrigin, Origin, SecurityEvent, SecurityLog
from gql_service.services.batch_writer import BatchWriter
from gql_service.services.evaluation_plans import EvaluationPlans
from gql_service.services.event_wakeups import EventWakeups
from gql_service.services.list_routing import ListRouting
from gql_service.services.loaders import ListLoaders, Loaders
from gql_service.services.refusals import refused_write
from gql_service.services.stored_data import StoredData
from gql_service.services.write_counts import WriteCounts
from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.store.positions import Position

T = TypeVar("T")
_UNKNOWN_ORIGIN = LocalOrigin()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that lives as long as the process."""

    database: Database
    loaders: Loaders
    evaluation_plans: EvaluationPlans
    lists: ListRouting
    writer: BatchWriter
    write_counts: WriteCounts
    policy: Policy
    write_settings: WriteSettings
    settings: Settings
    security_log: SecurityLog
    wakeups: EventWakeups
    clock: Callable[[], int]
    """Returns the current time in milliseconds since 1970 UTC."""
    started_at: int
    """When the process was started, by the same clock."""


@dataclass(slots=True)
class Context:
    """The context of one request. `principal` is None if the request has no token."""

    services: Services
    principal: Principal | None
    source: str = "graphql"
    """The `source` recorded in the history of documents for changes by this request."""
    origin: Origin = _UNKNOWN_ORIGIN
    read_after: Position | None = None
    """What the request must see at least, by `X-Read-After`."""
    reads_primary: bool = False
    """Whether the whole request is read from the primary, because it writes."""
    _platforms: dict[str, Awaitable[Platform | None]] = field(default_factory=dict)
    _lists: ListLoaders | None = None
    _stored_data: StoredData | None = None
    _write_budget: WriteBudget | None = None

    @property
    def lists(self) -> ListLoaders:
        """The loaders for searches, histories and lists. All those of a request come from the same server."""
        if self._lists is None:
            lists = self.services.lists
            self._lists = lists.primary if self.reads_primary else lists.choose(self.read_after)
        return self._lists

    async def members(self, search: MemberSearch | UserSearch, request: PageRequest) -> Page[User]:
        """A page of the members of a tenant.

        A replica only says who they are: their rights are read from the primary. If one of them is no member
        any more, the primary does the search as well, and the rest of the request.
        """
        lists, primary = self.lists, self.services.lists.primary
        page = await lists.members.load((search, request))
        if lists is primary:
            return page
        loaded = await self.services.loaders.users.load_many([user.user_id for user in page.items])
        users = [user for user in loaded if user is not None and search.holds(user)]
        if len(users) < len(page.items):
            self._lists = primary
            return await primary.members.load((search, request))
        return page._replace(items=users)

    async def events(self, platform: Platform, request: PageRequest) -> Page[PositionedEvent]:
        """A page of the events of a platform. Raises Forbidden or EventsDeleted."""
        self.services.policy.require_scope(self.viewer, Scope.EVENTS)
        page = await self.lists.event_pages.load((platform.tenant_id, platform.id, request))
        if isinstance(page, RequestError):
            raise page
        if request.after is not None and not page.items:
            await self.check_given(int(request.after))
        return page

    async def check_given(self, position: int) -> None:
        """Raise EventsDeleted for the position of an event that was lost: that of none in this database."""
        database = self.services.database
        async with database.read() as connection:
            await check_given(connection, position, numbers_events=database.numbers_events)

    @property
    def stored_data(self) -> StoredData:
        """What the request has read of documents and their histories."""
        if self._stored_data is None:
            services = self.services
            self._stored_data = StoredData(
                services.loaders,
                self.lists,
                services.write_settings.keys,
                services.clock,
                services.settings.max_read_size,
            )
        return self._stored_data

    @property
    def write_budget(self) -> WriteBudget:
        """What the writes of the request may cost together."""
        if self._write_budget is None:
            self._write_budget = WriteBudget(self.services.settings.max_read_size)
        return self._write_budget

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

    async def webhook_access(self, key: str) -> PlatformAccess:
        """Access to administer the webhooks of a platform. Raises Forbidden or NotFound."""
        access, _ = await self.platform_access(key)
        self.services.policy.require_scope(self.viewer, Scope.EVENTS)
        return access

    def documents_named(
        self, platform: Platform, usernames: Sequence[str]
    ) -> Awaitable[list[DocumentAccess | None]]:
        """Access to documents of several users: see `domain.documents.access.find_documents_named`."""
        return find_documents_named(self, self.services.policy, self.viewer, platform, usernames)

    async def document(self, access: DocumentAccess) -> DocumentView:
        """Read a document as the caller may see it."""
        return self.view(access, await self.services.loaders.documents.load(access.key))

    async def documents_of(
        self, platform_key: str | None, users: Sequence[UserFacts]
    ) -> list[DocumentView | RequestError]:
        """Read the documents of loaded users: see `domain.documents.access.find_documents_of`."""
        results = await find_documents_of(self, self.services.policy, self.viewer, platform_key, users)
        keys = [each.key for each in results if isinstance(each, DocumentAccess)]
        # A single document does not count: its size is limited, and so is the number of fields.
        load = self.stored_data.documents if len(keys) > 1 else self.services.loaders.documents.load_many
        documents = iter(await load(keys))
        return [
            self.view(each, next(documents)) if isinstance(each, DocumentAccess) else each for each in results
        ]

    def visible_tenants(self, user: User) -> tuple[str, ...]:
        """The tenants of a user whose platforms the caller sees there: all for the user, else those that the
        caller administers."""
        viewer, administers = self.viewer, self.services.policy.administers
        is_self = user.user_id == viewer.user_id
        return tuple(sorted(each for each in user.tenant_ids if is_self or administers(viewer, each)))

    async def documents_page(self, user: User, request: PageRequest) -> Page[DocumentView]:
        """A page of the documents of a user, as the caller may see them."""
        loaders, policy = self.services.loaders, self.services.policy
        page = await loaders.document_pages.load((user.user_id, self.visible_tenants(user), request))
        self.stored_data.count(sum(document.size for document in page.items))
        views: list[DocumentView] = []
        ids = [document.platform_id for document in page.items]
        for document, platform in zip(page.items, await loaders.platforms_by_id.load_many(ids), strict=True):
            if document.platform_id == USER_WIDE:
                views.append(self.view(policy.user_wide_document(self.viewer, user), document))
            elif platform is not None:
                views.append(self.view(policy.platform_document(self.viewer, platform, user), document))
        return Page(views, page.has_previous, page.has_next)

    async def export_user(self, user: User, *, include_hidden: bool) -> str:
        """The export of a user as the caller may see it, as canonical JSON. Raises LimitExceeded."""
        services = self.services
        async with services.database.read() as connection:
            exported = await export_user(
                connection,
                self.viewer,
                services.policy,
                user,
                include_hidden=include_hidden,
                keys=services.write_settings.keys,
                now=services.clock(),
                count=self.stored_data.count,
            )
        reason = "WITH_HIDDEN" if include_hidden else None
        self._log_all([SecurityEvent(EventKind.USER_EXPORTED, user.user_id, reason)])
        return strict_json.dumps(exported)

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
                Write(access, change, precondition, self.source, idempotency_key, expected, self.write_budget)
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
