"""`PlatformMetadata`: all metadata of one user on one platform, with its revision."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents import visibility as views
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import DocumentView, EntryView
from gql_service.domain.history import point_in_time as rewinding
from gql_service.domain.history import visibility as telling
from gql_service.domain.history.changes import check_page
from gql_service.domain.history.point_in_time import Past
from gql_service.domain.pagination import page_of_list
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import BadUserInput, Forbidden, MalformedData, NotFound
from gql_service.instants import parse_milliseconds
from gql_service.schema.auth_directive import SELF, TENANT_MEMBER
from gql_service.schema.batched_fields import batched_field
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types.platform_metadata_change import PlatformMetadataChangeConnection
from gql_service.schema.types.relay import AFTER, BEFORE, FIRST, ID, LAST, Node, global_id, read_page
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import UserMetadata, UserMetadataConnection
from gql_service.services.context import Context


@strawberry.input(description="Which entries are meant; all conditions must hold.")
class EntryFilter:
    key_prefix: str | None = strawberry.field(default=None, description="The key begins with this text.")
    category: str | None = strawberry.field(default=None, description="The category is exactly this.")
    source: str | None = strawberry.field(default=None, description="The source is exactly this.")

    def matches(self, row: EntryView) -> bool:
        """Whether an entry is meant."""
        return (
            (self.key_prefix is None or row.metadata_key.startswith(self.key_prefix))
            and (self.category is None or row.entry.category == self.category)
            and (self.source is None or row.entry.source == self.source)
        )


def _projection(
    access: DocumentAccess,
    document: MetadataDocument,
    ring: KeyRing,
    at: int,
    keys: list[str] | None,
    now: int,
) -> str | MalformedData:
    try:
        return views.projection(access, document, ring, at, keys, now=now)
    except MalformedData as error:
        return error


def _instant(text: str) -> int:
    try:
        return parse_milliseconds(text)
    except ValueError as error:
        raise BadUserInput(f"`asOf`: {text!r} is no instant: {error}.") from None


async def _past(
    context: Context,
    rows: Sequence[DocumentView],
    whole: Sequence[MetadataDocument],
    at: int,
    now: int,
    only: Sequence[str] | None,
) -> list[JSONObject]:
    """What was to be seen at an instant. A document is read before its history: what is written in between
    is undone with the rest."""
    services = context.services
    pasts = await services.loaders.pasts.load_many([(row.access.key, at) for row in rows])

    def shown(row: DocumentView, document: MetadataDocument, past: Past | BadUserInput) -> JSONObject:
        if isinstance(past, BadUserInput):
            return past  # type: ignore[return-value] # an error of this document alone
        keys = services.rules.keys
        return JSONObject(rewinding.projection(row.access, document, past, keys, at, now, only))

    return list(map(shown, rows, whole, pasts))


@strawberry.federation.type(
    keys=["id"],
    directives=SELF,
    description="All metadata of one user on one platform: the unit of consistency.",
)
class PlatformMetadata(Node):
    row: strawberry.Private[DocumentView]
    username: str = column("Whose metadata it is.")
    platform_key: str | None = column(
        "The platform's key; null for the metadata that belongs to no platform."
    )
    revision: int = column("Counts the writes that changed something; 0 before any.")
    created_at: DateTime | None = column("When the first key was written.")
    updated_at: DateTime | None = column("When a key last changed.")

    @batched_field(
        column="metadata",
        description="The keys and their values: the entries that the viewer sees and that are valid now. At "
        "a past instant, those that they were to see then and may see still, as they were then, but without "
        "encrypted ones that have changed since. At one to come, the entries of now that are valid then; of "
        "these, users see those that are valid now, too.",
    )
    async def metadata(
        documents: Sequence["PlatformMetadata"],
        info: Info[Context, None],
        keys: Annotated[list[str] | None, strawberry.argument(description="Only these keys.")] = None,
        as_of: Annotated[
            DateTime | None, strawberry.argument(description="What is seen then; by default now.")
        ] = None,
    ) -> list[JSONObject]:
        # A value may be an exception: that of its document alone.
        if keys is None and as_of is None:
            return [document.row.metadata for document in documents]  # type: ignore[misc]
        services = info.context.services
        now = services.clock()
        at = now if as_of is None else _instant(str(as_of))
        rows = [document.row for document in documents]
        whole = await _whole(info.context, rows)
        if at < now:
            return await _past(info.context, rows, whole, at, now, keys)
        return [
            _projection(row.access, document, services.rules.keys, at, keys, now)  # type: ignore[misc]
            for row, document in zip(rows, whole, strict=True)
        ]

    @strawberry.field(description="One entry; null where there is none that the viewer sees and is valid.")
    async def entry(
        self,
        info: Info[Context, None],
        key: Annotated[str, strawberry.argument(description="The key.")],
    ) -> UserMetadata | None:
        services, access = info.context.services, self.row.access
        (document,) = await _whole(info.context, [self.row])
        found = views.entry_of(access, document, key, services.rules.keys, services.clock())
        return None if found is None else UserMetadata(row=found)

    @strawberry.field(description="The entries that the viewer sees, in the order of their keys.")
    async def entries(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
        where: Annotated[EntryFilter | None, strawberry.argument(description="Which entries.")] = None,
        include_inactive: Annotated[
            bool, strawberry.argument(description="Also those not valid yet and those expired; for admins.")
        ] = False,
    ) -> UserMetadataConnection:
        request = read_page(first, after, last, before)
        services, access = info.context.services, self.row.access
        if include_inactive and not access.is_admin:
            raise Forbidden("Only tenant admins see entries that are not valid")
        (document,) = await _whole(info.context, [self.row])
        found = views.entries(
            access, document, services.rules.keys, services.clock(), inactive=include_inactive
        )
        if where is not None:
            found = [entry for entry in found if where.matches(entry)]
        page = page_of_list(found, request, UserMetadataConnection.sort_key)
        return UserMetadataConnection(page=page, total_count=len(found))

    @strawberry.field(description="What writes have changed, the newest first; what was cleared is gone.")
    async def history(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> PlatformMetadataChangeConnection:
        request = check_page(read_page(first, after, last, before))
        services, access = info.context.services, self.row.access
        page, document = await asyncio.gather(
            services.loaders.histories.load((access.key, request)),
            services.loaders.whole_documents.load(access.key),
        )
        content, now = document.content(), services.clock()
        items = [telling.visible_change(access, row, content, now) for row in page.items]
        return PlatformMetadataChangeConnection(page=page._replace(items=items))  # type: ignore[arg-type]

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("PlatformMetadata", f"{self.row.user_id}:{self.row.platform_key or ''}")

    @strawberry.field(directives=TENANT_MEMBER, description="Whose metadata it is.")
    async def user(self, info: Info[Context, None]) -> User:
        row = await info.context.services.loaders.users.load(self.row.user_id)
        if row is None:
            raise NotFound("User not found")
        return User(row=row)


async def _whole(context: Context, rows: Sequence[DocumentView]) -> Sequence[MetadataDocument]:
    """Documents with what is known of each key. One that was just written has it all; what a dry run
    would write can be found nowhere else."""
    missing = [row.access.key for row in rows if row.document.attributes is None]
    read = iter(await context.services.loaders.whole_documents.load_many(missing) if missing else ())
    return [next(read) if row.document.attributes is None else row.document for row in rows]
