"""`PlatformMetadata`: all metadata of one user on one platform, with its revision."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Info

from gql_service.auth.policy import DocumentAccess, Subject
from gql_service.domain.documents import Document
from gql_service.errors import NotFound
from gql_service.schema.auth import SELF, TENANT_MEMBER
from gql_service.schema.context import Context
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types import user as user_type
from gql_service.schema.types.node import Node, global_id

if TYPE_CHECKING:
    from gql_service.schema.types.user import User

LazyUser = Annotated["User", strawberry.lazy("gql_service.schema.types.user")]


@strawberry.federation.type(
    keys=["id"],
    directives=SELF,
    description="All metadata of one user on one platform: the unit of consistency.",
)
class PlatformMetadata(Node):
    subject: strawberry.Private[Subject]
    user_id: strawberry.Private[str]
    username: str = strawberry.field(description="Whose metadata it is.")
    platform_key: str | None = strawberry.field(
        description="The platform's key; null for the metadata that belongs to no platform."
    )
    metadata: JSONObject = strawberry.field(description="The keys and their values.")
    revision: int = strawberry.field(description="Counts the writes that changed something; 0 before any.")
    created_at: DateTime | None = strawberry.field(description="When the first key was written.")
    updated_at: DateTime | None = strawberry.field(description="When a key last changed.")

    @strawberry.field(directives=TENANT_MEMBER, description="Whose metadata it is.")
    async def user(self, info: Info[Context, None]) -> LazyUser:
        row = await info.context.services.loaders.user(self.user_id)
        if row is None:
            raise NotFound("User not found")
        return user_type.User.of(row)

    @staticmethod
    async def read(context: Context, access: DocumentAccess) -> "PlatformMetadata":
        """Read a document that was opened for the caller."""
        document = await context.services.loaders.document(access.user_id, access.platform_id)
        return PlatformMetadata.of(access, document)

    @staticmethod
    def of(access: DocumentAccess, document: Document) -> "PlatformMetadata":
        return PlatformMetadata(
            subject=Subject(access.user_id, access.tenant_id, frozenset({access.tenant_id})),
            id=global_id("PlatformMetadata", f"{access.user_id}:{access.platform_key or ''}"),
            user_id=access.user_id,
            username=access.username,
            platform_key=access.platform_key,
            metadata=JSONObject(document.metadata),
            revision=document.revision,
            created_at=None if document.created_at is None else DateTime(document.created_at),
            updated_at=None if document.updated_at is None else DateTime(document.updated_at),
        )
