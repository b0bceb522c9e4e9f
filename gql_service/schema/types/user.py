"""`User`: whom metadata is about. Other members see the directory fields, the user and their admins all."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Info

from gql_service.auth.policy import Subject
from gql_service.domain import users
from gql_service.schema.auth import SELF, TENANT_MEMBER
from gql_service.schema.context import Context
from gql_service.schema.scalars import DateTime
from gql_service.schema.types import platform_metadata as metadata_type
from gql_service.schema.types.badge import EarnedBadge
from gql_service.schema.types.node import Node, global_id

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
    facts: strawberry.Private[users.User]
    subject: strawberry.Private[Subject]
    user_id: strawberry.ID = strawberry.field(description="The user's own id, as other services know it.")
    tenant_id: strawberry.ID = strawberry.field(description="The tenant the user belongs to.")
    username: str = strawberry.field(description="The unique name the user signs in with.")
    display_name: str = strawberry.field(description="What to call the user, computed from the profile.")
    image: str | None = strawberry.field(description="The address of the profile image.")
    email: str = strawberry.field(directives=SELF, description="The canonical email address.")
    permissions: list[str] = strawberry.field(
        directives=SELF, description="What the user may do, each as `{TENANT_ID}::{PERMISSION}`."
    )
    is_platform_owner: bool = strawberry.field(
        directives=SELF, description="Whether the user is admin everywhere."
    )
    revision: int = strawberry.field(
        directives=SELF, description="Counts the changes of the user; documents have a counter of their own."
    )
    created_at: DateTime = strawberry.field(directives=SELF, description="When the user was created.")
    updated_at: DateTime = strawberry.field(directives=SELF, description="When the user last changed.")

    @strawberry.field(description="The badges the user has earned, oldest first.")
    async def badges(self, info: Info[Context, None]) -> list[EarnedBadge]:
        return [EarnedBadge.of(row) for row in await info.context.services.loaders.badges(self.user_id)]

    @strawberry.field(directives=SELF, description="The user's metadata on a platform.")
    async def platform_metadata(
        self,
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform's key.")],
    ) -> LazyPlatformMetadata:
        access = await info.context.document_of(platform_key, self.facts)
        return await metadata_type.PlatformMetadata.read(info.context, access)

    @strawberry.field(directives=SELF, description="The user's metadata that belongs to no platform.")
    async def user_metadata(self, info: Info[Context, None]) -> LazyPlatformMetadata:
        access = await info.context.document_of(None, self.facts)
        return await metadata_type.PlatformMetadata.read(info.context, access)

    @staticmethod
    def of(row: users.User) -> "User":
        return User(
            facts=row,
            subject=Subject(row.id, row.tenant_id, row.tenant_ids),
            id=global_id("User", row.id),
            user_id=strawberry.ID(row.id),
            tenant_id=strawberry.ID(row.tenant_id),
            username=row.username,
            display_name=row.display_name,
            image=row.image,
            email=row.email,
            permissions=list(row.permissions),
            is_platform_owner=row.is_platform_owner,
            revision=row.revision,
            created_at=DateTime(row.created_at),
            updated_at=DateTime(row.updated_at),
        )
