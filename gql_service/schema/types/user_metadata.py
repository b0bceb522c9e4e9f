"""`UserMetadata`: one key of a user's metadata, with its type, flags, window, and who wrote it when."""

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

_MALFORMED = "An error where what is stored cannot be decrypted."


@strawberry.type(directives=AUTHENTICATED, description="What the viewer may do with an entry.")
class EntryCapabilities:
    edit: bool = strawberry.field(description="Change it.")
    delete: bool = strawberry.field(description="Remove it.")


@strawberry.type(
    directives=SELF, description="One key of a user's metadata, with all that is known about it."
)
class UserMetadata(Node):
    row: strawberry.Private[EntryView]
    user_id: strawberry.ID = column("The user this metadata belongs to.")
    metadata_key: str = column("The key, unique within the document.")
    metadata_value: str | None = column(f"The value as text, to be understood by `valueType`. {_MALFORMED}")
    value: JSON | None = column(f"The value as JSON. {_MALFORMED}")
    value_type: ValueType = column("How to understand the text of the value.")
    category: str | None = column("What the entry is grouped by.")
    description: str | None = column("What the entry is for.")
    source: str | None = column("What system has made it.")
    is_encrypted: bool = column("Whether the value is stored encrypted.")
    is_indexed: bool = column("Whether users may be searched by the value.")
    is_public: bool = column("Whether the user may see the entry.")
    is_editable: bool = column("Whether the user may change the entry.")
    valid_from: DateTime | None = column("From when on the entry is valid; null means always.")
    valid_until: DateTime | None = column("When the entry expires; null means never.")
    created_at: DateTime = column("When the entry was created.")
    updated_at: DateTime = column("When the entry last changed.")
    digest: str | None = column(f"Stands for key, type and value: `expectedDigests` takes it. {_MALFORMED}")

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
        description="Who created the entry; null where that is unknown to the viewer.",
    )
    async def created_by(self, info: Info[Context, None]) -> User | None:
        return await person(info.context, self.row.created_by)

    @strawberry.field(
        directives=TENANT_MEMBER,
        description="Who last changed the entry; null where that is unknown to the viewer.",
    )
    async def updated_by(self, info: Info[Context, None]) -> User | None:
        return await person(info.context, self.row.updated_by)


async def person(context: Context, user_id: str | None) -> User | None:
    """A user, as far as the viewer may know of them."""
    row = None if user_id is None else await context.services.loaders.users.load(user_id)
    verdict = context.services.policy.verdict(Role.TENANT_MEMBER, context.principal)
    return User(row=row) if row is not None and allows(verdict, row) else None


@strawberry.type(directives=AUTHENTICATED, description="A page of entries, in the order of their keys.")
class UserMetadataConnection(Connection[UserMetadata]):
    node_type = UserMetadata
    total_count: int = strawberry.field(description="How many entries the whole list has.")

    @staticmethod
    def sort_key(row: EntryView) -> str:
        return row.metadata_key
