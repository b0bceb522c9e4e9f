"""`PlatformMetadata`: all metadata of one user on one platform, with its revision."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Info

from gql_service.domain.documents import OpenDocument
from gql_service.errors import NotFound
from gql_service.schema.auth import SELF, TENANT_MEMBER
from gql_service.schema.context import Context
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types import user as user_type
from gql_service.schema.types.node import ID, Node, column, global_id

if TYPE_CHECKING:
    from gql_service.schema.types.user import User

LazyUser = Annotated["User", strawberry.lazy("gql_service.schema.types.user")]


@strawberry.federation.type(
    keys=["id"],
    directives=SELF,
    description="All metadata of one user on one platform: the unit of consistency.",
)
class PlatformMetadata(Node):
    row: strawberry.Private[OpenDocument]
    username: str = column("Whose metadata it is.")
    platform_key: str | None = column(
        "The platform's key; null for the metadata that belongs to no platform."
    )
    metadata: JSONObject = column("The keys and their values.")
    revision: int = column("Counts the writes that changed something; 0 before any.")
    created_at: DateTime | None = column("When the first key was written.")
    updated_at: DateTime | None = column("When a key last changed.")

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("PlatformMetadata", f"{self.row.user_id}:{self.row.platform_key or ''}")

    @strawberry.field(directives=TENANT_MEMBER, description="Whose metadata it is.")
    async def user(self, info: Info[Context, None]) -> LazyUser:
        row = await info.context.services.loaders.users.load(self.row.user_id)
        if row is None:
            raise NotFound("User not found")
        return user_type.User(row=row)
