"""`UserMetadata`: an entry, which is one key of a document with its value and attributes."""

from collections.abc import Awaitable, Callable

import strawberry
from strawberry import Info

from gql_service.auth.roles import Role, allows
from gql_service.domain.documents.visibility import EntryView
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_MEMBER
from gql_service.schema.enums import ValueType
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime
from gql_service.schema.types.relay import ID, Connection, Node, global_id
from gql_service.schema.types.user import User
from gql_service.services.context import Context

_UNDECIPHERABLE = "Null, with an error, if the stored value cannot be decrypted."


@strawberry.type(directives=AUTHENTICATED, description="What the viewer may do with an entry.")
class EntryCapabilities:
    edit: bool = strawberry.field(description="Whether the viewer may change the entry.")
    delete: bool = strawberry.field(description="Whether the viewer may delete the entry.")


@strawberry.type(
    directives=AUTHENTICATED, description="What it takes to show an entry, and to change it by a patch."
)
class EntrySummary:
    row: strawberry.Private[EntryView]
    metadata_key: str = column("The key, unique within the document.")
    value: JSON | None = column(f"The value as JSON. {_UNDECIPHERABLE}")
    value_type: ValueType = column("The type of the value.")
    description: str | None = column("What the entry is for. Null if that is not specified.")
    digest: str | None = column(
        f"The SHA-256 digest of key, type and value, which `expectedDigests` accepts. {_UNDECIPHERABLE}"
    )
    can_change: bool = column("Whether the viewer may change and delete the entry.")


@strawberry.federation.type(
    keys=["id"],
    directives=SELF,
    description="An entry: one key of a document, with its value and attributes.",
)
class UserMetadata(Node):
    row: strawberry.Private[EntryView]
    user_id: strawberry.ID = column("The id of the user who owns the entry.")
    metadata_key: str = column("The key, unique within the document.")
    metadata_value: str | None = column(f"The value as text, in the format of `valueType`. {_UNDECIPHERABLE}")
    value: JSON | None = column(f"The value as JSON. {_UNDECIPHERABLE}")
    value_type: ValueType = column("The type of the value.")
    category: str | None = column("A category for grouping entries. Null if there is none.")
    description: str | None = column("What the entry is for. Null if that is not specified.")
    source: str | None = column(
        "The system that created the entry, such as `salesforce`. Null if that is not specified."
    )
    is_encrypted: bool = column("Whether the value is stored encrypted.")
    is_indexed: bool = column("Whether `Platform.users` can filter by the value.")
    is_public: bool = column("Whether the user can see the entry. Tenant admins always can.")
    is_editable: bool = column("Whether the user can change the entry. Tenant admins always can.")
    valid_from: DateTime | None = column("When the entry becomes valid. Null if it has no start.")
    valid_until: DateTime | None = column("When the entry expires. Null if it never expires.")
    created_at: DateTime = column("When the entry was created.")
    updated_at: DateTime = column("When the entry last changed.")
    digest: str | None = column(
        f"The SHA-256 digest of key, type and value, which `expectedDigests` accepts. {_UNDECIPHERABLE}"
    )

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        access = self.row.access
        key = f"{access.user_id}:{access.platform_key or ''}:{self.row.metadata_key}"
        return global_id("UserMetadata", key)

    @strawberry.field(description="What the viewer may do with the entry.")
    def viewer_can(self) -> EntryCapabilities:
        able = self.row.can_change
        return EntryCapabilities(edit=able, delete=able)

    @strawberry.field(
        directives=TENANT_MEMBER,
        description="The user who created the entry. Null if unknown or if the viewer may not see them.",
    )
    async def created_by(self, info: Info[Context, None]) -> User | None:
        return await visible_user(info.context, self.row.created_by)

    @strawberry.field(
        directives=TENANT_MEMBER,
        description="The user who last changed the entry. Null if unknown or if the viewer may not see them.",
    )
    async def updated_by(self, info: Info[Context, None]) -> User | None:
        return await visible_user(info.context, self.row.updated_by)


async def visible_user(context: Context, user_id: str | None) -> User | None:
    """A user by id; None if there is none or if the viewer may not see them."""
    row = None if user_id is None else await context.services.loaders.users.load(user_id)
    verdict = context.services.policy.verdict(Role.TENANT_MEMBER, context.principal)
    return User(row=row) if row is not None and allows(verdict, row) else None


@strawberry.type(directives=AUTHENTICATED, description="A page of entries, in the order of their keys.")
class UserMetadataConnection(Connection[UserMetadata]):
    node_type = UserMetadata
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The number of entries in the whole list, on all pages.")
    async def total_count(self) -> int:
        return await self.count()

    @staticmethod
    def sort_key(row: EntryView) -> str:
        return row.metadata_key
