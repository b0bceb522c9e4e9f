"""`PlatformMetadata`: the metadata document of one user on one platform, and the user-wide document."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import Info

from gql_service.domain.documents import visibility
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.visibility import DocumentView, Viewer
from gql_service.domain.flags.evaluation import effective_object
from gql_service.domain.history.changes import check_page
from gql_service.domain.history.point_in_time import MAX_CHANGES, Past, metadata_in_past
from gql_service.errors import BadUserInput, Forbidden, NotFound, RequestError
from gql_service.instants import parse_milliseconds
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_MEMBER
from gql_service.schema.batched_fields import batched_field
from gql_service.schema.inputs.entry_filter import EntryFilter
from gql_service.schema.list_limits import max_items
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types.evaluation import Evaluation
from gql_service.schema.types.platform_metadata_change import PlatformMetadataChangeConnection
from gql_service.schema.types.relay import (
    AFTER,
    BEFORE,
    FIRST,
    ID,
    LAST,
    Connection,
    Node,
    global_id,
    read_page,
)
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import EntrySummary, UserMetadata, UserMetadataConnection
from gql_service.services.context import Context
from gql_service.services.evaluations import EvaluationRequest, evaluate_documents

_SUMMARY_COST = 1024
"""Bytes that can be read in the time in which an entry is decrypted, digested and returned."""
MAX_KEYS = 2000
"""Keys that one selection of `metadata` may name."""
ONLY_KEYS = strawberry.argument(
    description=f"Only these keys, at most {MAX_KEYS:,}. Default: all keys.", metadata=max_items(MAX_KEYS)
)


@strawberry.federation.type(
    keys=["id", "userId platformKey"],
    directives=SELF,
    description="A metadata document: all metadata of one user on one platform, or the user-wide metadata, "
    "which belongs to no platform. A write to a document is all or nothing.",
)
class PlatformMetadata(Node):
    row: strawberry.Private[DocumentView]
    user_id: strawberry.ID = column("The id of the owner, as `User.userId`.")
    username: str = column("The username of the owner.")
    platform_key: str | None = column("The platform key. Null in the user-wide document.")
    revision: int = column(
        "Increases by one with every write that changes the document. 0 if it was never written."
    )
    created_at: DateTime | None = column("When the document was first written. Null if it was never written.")
    updated_at: DateTime | None = column("When the document last changed. Null if it was never written.")

    @batched_field(
        column="metadata",
        description="The keys and values of the entries that the viewer can see and that are valid. With "
        "`asOf` in the past: the values of that time, for entries that the viewer could see then and can "
        "still see now. Encrypted values that have changed since are left out. With `asOf` in the future: "
        "current entries that will be valid then; users who are not admins get only those that are also "
        f"valid now. An error if the document has changed more than {MAX_CHANGES:,} times since `asOf`, or "
        "if changes since then were deleted (`PlatformMetadataChangeConnection.prunedUntil`).",
    )
    async def metadata(
        documents: Sequence["PlatformMetadata"],
        info: Info[Context, None],
        keys: Annotated[list[str] | None, ONLY_KEYS] = None,
        as_of: Annotated[
            DateTime | None,
            strawberry.argument(description="The time at which the document is read. Default: now."),
        ] = None,
    ) -> list[JSONObject]:
        if keys is None and as_of is None:
            return [document.row.metadata for document in documents]  # type: ignore[misc]
        now = info.context.services.clock()
        at = now if as_of is None else _parse_as_of(str(as_of))
        return await _metadata_at(info.context, [document.row for document in documents], at, now, keys)

    @batched_field(
        description="The effective values by key: of each entry, and of each defined key the user's own "
        "value, else the one of a variant, else the default. Keys without any are left out. Entries count "
        "if they are valid and satisfy the definition. With `asOf` in the future: with the current entries "
        "and definitions; users who are not admins get only what entries say that are also valid now. An "
        "error if `asOf` is in the past. Users who are not admins get no values of hidden entries, except of "
        "feature flags, and none of keys that are not `clientVisible`."
    )
    async def effective(
        documents: Sequence["PlatformMetadata"],
        info: Info[Context, None],
        keys: Annotated[list[str] | None, ONLY_KEYS] = None,
        as_of: Annotated[
            DateTime | None,
            strawberry.argument(description="The time for which keys are evaluated. Default: now."),
        ] = None,
    ) -> list[JSONObject]:
        at = None if as_of is None else _parse_future(str(as_of), info.context.services.clock())
        request = EvaluationRequest(keys, None, at)
        found = await evaluate_documents(info.context, [each.row for each in documents], request)
        return [JSONObject(effective_object(each)) for each in found]

    @batched_field(
        description="The effective values as in `effective`, each with its reason, in the order of the keys."
    )
    async def evaluations(
        documents: Sequence["PlatformMetadata"],
        info: Info[Context, None],
        keys: Annotated[list[str] | None, ONLY_KEYS] = None,
        category: Annotated[
            str | None,
            strawberry.argument(
                description="Only keys whose definition has this category, and entries with this category "
                "whose keys are not defined. Default: all."
            ),
        ] = None,
        without_entries: Annotated[
            bool,
            strawberry.argument(
                description="If true, the keys are evaluated without the entries that the viewer may "
                "delete: as they would be if these were deleted."
            ),
        ] = False,
    ) -> list[list[Evaluation]]:
        rows = [each.row for each in documents]
        request = EvaluationRequest(keys, category, without_entries=without_entries)
        found = await evaluate_documents(info.context, rows, request)
        return [[Evaluation(row=row) for row in evaluations] for evaluations in found]

    @strawberry.field(
        description="The entry of a key. Null if there is none that is valid now and that the viewer can see."
    )
    async def entry(
        self,
        info: Info[Context, None],
        key: Annotated[str, strawberry.argument(description="The key.")],
    ) -> UserMetadata | None:
        services, access = info.context.services, self.row.access
        (content,) = await info.context.stored_data.contents([self.row])
        viewer = Viewer(access, services.clock())
        row = visibility.entry_of(viewer, content, key, services.write_settings.keys)
        return None if row is None else UserMetadata(row=row)

    @strawberry.field(
        description="The entries that are valid now and that the viewer can see, in the order of their keys."
    )
    async def entries(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
        where: Annotated[
            EntryFilter | None, strawberry.argument(description="Only entries that match this filter.")
        ] = None,
        include_inactive: Annotated[
            bool,
            strawberry.argument(
                description="If true, entries that are not valid yet or have expired are included. Tenant "
                "admins only."
            ),
        ] = False,
    ) -> UserMetadataConnection | None:
        request = read_page(first, after, last, before)
        if include_inactive and not self.row.access.is_admin:
            raise Forbidden("Only tenant admins can see entries that are not valid")
        stored, row = info.context.stored_data, self.row
        wanted = (where or EntryFilter()).wanted(include_inactive=include_inactive)
        page = await stored.entry_page(row, request, wanted)

        def count() -> Awaitable[int]:
            return stored.entry_count(row, wanted)

        return UserMetadataConnection(page=page, count=count)

    @strawberry.field(
        description="All entries that are valid now and that the viewer can see, in short, in the order of "
        "their keys. For settings pages: `entries` says more, page by page."
    )
    async def entry_summaries(self, info: Info[Context, None]) -> list[EntrySummary]:
        rows = await info.context.stored_data.entries(self.row)
        info.context.stored_data.count(_SUMMARY_COST * len(rows))
        return [EntrySummary(row=row) for row in rows]

    @strawberry.field(
        description="The changes of the document, newest first. Clearing the document deletes its earlier "
        "changes. Old changes are deleted as `Platform.retention` says."
    )
    async def history(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> PlatformMetadataChangeConnection:
        request = check_page(read_page(first, after, last, before))
        page = await info.context.stored_data.history(self.row, request)
        keys = sum(len(change.changed_keys) + len(change.deleted_keys) for change in page.items)
        info.context.stored_data.count_keys(keys)
        return PlatformMetadataChangeConnection(page=page, document=self.row.access.key)

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("PlatformMetadata", f"{self.row.user_id}:{self.row.platform_key or ''}")

    @strawberry.field(directives=TENANT_MEMBER, description="The owner of the document.")
    async def user(self, info: Info[Context, None]) -> User:
        row = await info.context.services.loaders.users.load(self.row.user_id)
        if row is None:
            raise NotFound("User not found")
        return User(row=row)


def _parse_future(text: str, now: int) -> int:
    at = _parse_as_of(text)
    if at < now:
        raise BadUserInput("`asOf` is in the past. Effective values are known for now and the future only.")
    return at


def _parse_as_of(text: str) -> int:
    try:
        return parse_milliseconds(text)
    except ValueError as error:
        raise BadUserInput(f"`asOf`: {text!r} cannot be read as a time: {error}.") from None


async def _metadata_at(
    context: Context, rows: Sequence[DocumentView], at: int, now: int, only: list[str] | None
) -> list[Any]:
    """The metadata of documents at an instant. An exception among them is the error of that document only."""
    keys = context.services.write_settings.keys
    if at < now:
        contents = await context.stored_data.contents(rows)
        project = await _past_projection(context, rows, at, now, only)
    else:
        contents = [context.stored_data.values(row) for row in rows]

        def project(row: DocumentView, content: Content) -> str:
            return visibility.metadata_at(Viewer(row.access, now), content, keys, at, only)

    results: dict[Content, str | RequestError] = {}  # the same document may be selected many times
    for row, content in zip(rows, contents, strict=True):
        if content not in results:
            context.stored_data.count_keys(len(only or ()))
            try:
                text = results[content] = project(row, content)
            except RequestError as error:
                results[content] = error
            else:
                context.stored_data.count(len(text))
    return [results[content] for content in contents]


async def _past_projection(
    context: Context, rows: Sequence[DocumentView], at: int, now: int, only: Sequence[str] | None
) -> Callable[[DocumentView, Content], str]:
    """Tells the metadata of each of these documents at a past instant; raises RequestError where that is not
    known any more.

    The documents were read before their history: a write in between is undone like all others since that
    instant.
    """
    services = context.services
    async with context.stored_data.reads_of_past:
        context.stored_data.count(0)  # reads nothing more if the limit is exceeded already
        found = await services.loaders.pasts.load_many([(row.access.key, at) for row in rows])
        context.stored_data.count(
            sum({id(past): past.size for past in found if isinstance(past, Past)}.values())
        )
    pasts = {row.access.key: past for row, past in zip(rows, found, strict=True)}

    def project(row: DocumentView, content: Content) -> str:
        past = pasts[row.access.key]
        if not isinstance(past, RequestError):
            viewer, keys = Viewer(row.access, now), services.write_settings.keys
            return metadata_in_past(viewer, row.document, content, past, keys, at, only)
        if row.document.existed_at(at):
            raise past
        return "{}"

    return project


@strawberry.type(
    directives=AUTHENTICATED,
    description="A page of documents of a user. The user-wide document is the first one.",
)
class PlatformMetadataConnection(Connection[PlatformMetadata]):
    node_type = PlatformMetadata

    @staticmethod
    def sort_key(row: DocumentView) -> str:
        return row.access.platform_id
