"""`PlatformMetadataChange`: what one write changed, as far as the viewer may know it."""

import strawberry
from strawberry import Info

from gql_service.domain.history.visibility import VisibleChange, VisibleEntry
from gql_service.domain.values.types import ValueType
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime
from gql_service.schema.types.relay import Connection
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import person
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="An entry as it was once.")
class PastEntry:
    row: strawberry.Private[VisibleEntry]
    value: JSON | None = column(
        "The value as JSON; null where it was encrypted, for history does not keep it then."
    )
    value_type: ValueType = column("How to understand the text of the value.")
    category: str | None = column("What the entry was grouped by.")
    description: str | None = column("What the entry was for.")
    source: str | None = column("What system had made it.")
    is_encrypted: bool = column("Whether the value was stored encrypted.")
    is_indexed: bool = column("Whether users could be searched by the value.")
    is_public: bool = column("Whether the user could see the entry.")
    is_editable: bool = column("Whether the user could change the entry.")
    valid_from: DateTime | None = column("From when on the entry was valid; null means always.")
    valid_until: DateTime | None = column("When the entry was to expire; null means never.")

    @staticmethod
    def of(entry: VisibleEntry | None) -> "PastEntry | None":
        return None if entry is None else PastEntry(row=entry)


@strawberry.type(directives=AUTHENTICATED, description="How a write changed one key.")
class EntryChange:
    key: str = strawberry.field(description="The key.")
    old: PastEntry | None = strawberry.field(
        description="The entry before; null where there was none that the viewer may know of."
    )
    new: PastEntry | None = strawberry.field(
        description="The entry afterwards; null where there was none that the viewer may know of."
    )


@strawberry.type(
    directives=AUTHENTICATED, description="What one write changed, as far as the viewer sees it."
)
class PlatformMetadataChange:
    row: strawberry.Private[VisibleChange]
    revision: int = column("The revision of the document that the write has led to.")
    changed_at: DateTime = column("When it was written.")
    source: str = column("The door it came through: `graphql`, `rest`, `import` and others.")
    changed_keys: list[str] = column("The keys that were created or changed.")
    deleted_keys: list[str] = column("The keys that were removed.")

    @strawberry.field(description="Who has written it; null where that is unknown to the viewer.")
    async def actor(self, info: Info[Context, None]) -> User | None:
        return await person(info.context, self.row.actor_id)

    @strawberry.field(
        description="The entries before and after, in the order of their keys; without those that were "
        "cleared since, of which no more than the key is known."
    )
    def changes(self) -> list[EntryChange]:
        return [
            EntryChange(key=key, old=PastEntry.of(old), new=PastEntry.of(new))
            for key, old, new in self.row.entries
        ]


@strawberry.type(directives=AUTHENTICATED, description="A page of changes, the newest first.")
class PlatformMetadataChangeConnection(Connection[PlatformMetadataChange]):
    node_type = PlatformMetadataChange

    @staticmethod
    def sort_key(row: VisibleChange) -> str:
        return str(row.revision)
