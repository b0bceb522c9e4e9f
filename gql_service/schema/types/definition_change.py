"""`MetadataDefinitionChange`: a change of a definition, with who made it and when."""

import strawberry
from strawberry import Info

from gql_service.domain.definitions.history import DefinitionChange
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.metadata_definition import MetadataDefinition
from gql_service.schema.types.relay import Connection
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import visible_user
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="A change of a definition.")
class MetadataDefinitionChange:
    row: strawberry.Private[DefinitionChange]
    key: str = column("The key whose definition changed.")
    changed_at: DateTime = column("When it changed.")

    @strawberry.field(
        description="The user who made the change. Null for the command line and imports, for users who were "
        "deleted, and if the viewer may not see them."
    )
    async def actor(self, info: Info[Context, None]) -> User | None:
        return await visible_user(info.context, self.row.actor_id)

    @strawberry.field(description="The definition after the change. Null if it was removed.")
    def definition(self) -> MetadataDefinition | None:
        row = self.row.definition
        return None if row is None else MetadataDefinition(row=row)


@strawberry.type(directives=AUTHENTICATED, description="A page of the changes of definitions, newest first.")
class MetadataDefinitionChangeConnection(Connection[MetadataDefinitionChange]):
    node_type = MetadataDefinitionChange

    @staticmethod
    def sort_key(row: DefinitionChange) -> str:
        return str(row.number)
