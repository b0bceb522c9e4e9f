"""`User`: whom metadata is about. Other members see the directory fields, the user and their admins all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Info

from gql_service.domain import users
from gql_service.domain.documents import OpenDocument
from gql_service.schema.auth import SELF, TENANT_MEMBER
from gql_service.schema.context import Context
from gql_service.schema.scalars import DateTime
from gql_service.schema.together import together
from gql_service.schema.types import platform_metadata as metadata_type
from gql_service.schema.types.badge import EarnedBadge
from gql_service.schema.types.node import ID, Node, column, global_id

if TYPE_CHECKING:
    from gql_service.schema.types.platform_metadata import PlatformMetadata

LazyPlatformMetadata = Annotated[
    "PlatformMetadata", strawberry.lazy("gql_service.schema.types.platform_metadata")
]


@strawberry.federation.type(
    keys=["id", "userId", "username"],
    directives=TENANT_MEMBER,
    description="A user of the service. Members of a common tenant see the directory fields.",
)
class User(Node):
    row: strawberry.Private[users.User]
    user_id: strawberry.ID = column("The user's own id, as other services know it.")
    tenant_id: strawberry.ID = column("The tenant the user belongs to.")
    username: str = column("The unique name the user signs in with.")
    display_name: str = column("What to call the user, computed from the profile.")
    image: str | None = column("The address of the profile image.")
    email: str = column("The canonical email address.", SELF)
    permissions: list[str] = column("What the user may do, each as `{TENANT_ID}::{PERMISSION}`.", SELF)
    is_platform_owner: bool = column("Whether the user is admin everywhere.", SELF)
    revision: int = column("Counts the changes of the user; documents have a counter of their own.", SELF)
    created_at: DateTime = column("When the user was created.", SELF)
    updated_at: DateTime = column("When the user last changed.", SELF)

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("User", self.row.user_id)

    @together(description="The badges the user has earned, oldest first.")
    async def badges(users: Sequence["User"], info: Info[Context, None]) -> list[list[EarnedBadge]]:
        found = await info.context.services.loaders.badges.load_many([user.row.user_id for user in users])
        return [[EarnedBadge(row=row) for row in rows] for rows in found]

    @together(directives=SELF, description="The user's metadata on a platform.")
    async def platform_metadata(
        users: Sequence["User"],
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform's key.")],
    ) -> list[LazyPlatformMetadata]:
        return await _documents(info.context, platform_key, users)

    @together(directives=SELF, description="The user's metadata that belongs to no platform.")
    async def user_metadata(users: Sequence["User"], info: Info[Context, None]) -> list[LazyPlatformMetadata]:
        return await _documents(info.context, None, users)


async def _documents(context: Context, platform_key: str | None, users: Sequence[User]) -> list[Any]:
    """The documents of users, or why one is refused."""
    found = await context.documents_of(platform_key, [user.row for user in users])
    return [
        metadata_type.PlatformMetadata(row=row) if isinstance(row, OpenDocument) else row for row in found
    ]
