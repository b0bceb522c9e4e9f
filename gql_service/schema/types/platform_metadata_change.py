"""`PlatformMetadataChange`: the part of one write that the viewer may see."""

import strawberry
from strawberry import Info

from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.history.visibility import VisibleChange, VisibleEntry
from gql_service.domain.values.types import ValueType
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime
from gql_service.schema.types.relay import Connection
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import visible_user
from gql_service.services.context import Context

_CHANGE_COST = 3 * 1024
"""Bytes that can be read in the time in which the change of a key is decoded."""


@strawberry.type(directives=AUTHENTICATED, description="An entry as it was before or after a change.")
class PastEntry:
    row: strawberry.Private[VisibleEntry]
    value: JSON | None = column(
        "The value as JSON. Null if it was encrypted: history does not store encrypted values."
    )
    value_type: ValueType = column("The type of the value.")
    category: str | None = column("The category for grouping entries. Null if there was none.")
    description: str | None = column("What the entry was for. Null if that was not specified.")
    source: str | None = column("The system that created the entry. Null if that was not specified.")
    is_encrypted: bool = column("Whether the value was stored encrypted.")
    is_indexed: bool = column("Whether `Platform.users` could filter by the value.")
    is_public: bool = column("Whether the user could see the entry.")
    is_editable: bool = column("Whether the user could change the entry.")
    valid_from: DateTime | None = column("When the entry became valid. Null if it had no start.")
    valid_until: DateTime | None = column("When the entry was due to expire. Null if it had no end.")

    @staticmethod
    def of(entry: VisibleEntry | None) -> "PastEntry | None":
        return None if entry is None else PastEntry(row=entry)


@strawberry.type(directives=AUTHENTICATED, description="The change of one key by a write.")
class EntryChange:
    key: str = strawberry.field(description="The changed key.")
    old: PastEntry | None = strawberry.field(
        description="The entry before the write. Null if there was none that the viewer may see."
    )
    new: PastEntry | None = strawberry.field(
        description="The entry after the write. Null if there was none that the viewer may see."
    )


@strawberry.type(
    directives=AUTHENTICATED,
    description="A write that changed a document, limited to what the viewer may see.",
)
class PlatformMetadataChange:
    row: strawberry.Private[VisibleChange]
    revision: int = column("The revision of the document after the write.")
    changed_at: DateTime = column("When the write was made.")
    source: str = column("The interface through which the write was made, `graphql` or `rest`.")
    changed_keys: list[str] = column("The keys that were created or changed.")
    deleted_keys: list[str] = column("The keys that were deleted.")

    @strawberry.field(
        description="The user who made the write. Null if unknown or if the viewer may not see them."
    )
    async def actor(self, info: Info[Context, None]) -> User | None:
        return await visible_user(info.context, self.row.actor_id)

    @strawberry.field(
        description="The entries before and after the write, in the order of their keys. Entries whose "
        "values history no longer has are left out."
    )
    def changes(self, info: Info[Context, None]) -> list[EntryChange]:
        info.context.stored_data.count(_CHANGE_COST * len(self.row.entries))
        return [
            EntryChange(key=key, old=PastEntry.of(old), new=PastEntry.of(new))
            for key, old, new in self.row.entries
        ]


@strawberry.type(directives=AUTHENTICATED, description="A page of changes, newest first.")
class PlatformMetadataChangeConnection(Connection[PlatformMetadataChange]):
    node_type = PlatformMetadataChange
    document: strawberry.Private[DocumentKey]

    @strawberry.field(
        description="The history reaches back to this time: changes up to it were deleted, for their age or "
        "their number (`Platform.retention`). Null if none was deleted."
    )
    async def pruned_until(self, info: Info[Context, None]) -> DateTime | None:
        instant = await info.context.lists.pruned_until.load(self.document)
        return None if instant is None else DateTime(instant)

    @staticmethod
    def sort_key(row: VisibleChange) -> str:
        return str(row.revision)
