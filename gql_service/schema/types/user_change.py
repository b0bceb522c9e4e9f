"""`UserChange`: what a write did to one field of a user."""

import strawberry
from strawberry import Info

from gql_service.domain.users import changes
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import UserAction
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime
from gql_service.schema.types.relay import Connection
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import visible_user
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="What a write did to one field of a user.")
class UserChange:
    row: strawberry.Private[changes.UserChange]
    id: strawberry.ID = column("The id, unique among the changes of the user.")
    action: UserAction = column("What was done.")
    field: str | None = column("The name of the field of `User`. Null if the user was created.")
    member: str | None = column(
        "What in the field: a permission, the name of a badge or of an opt-in decision, the id of a token, "
        "or a key of an object. Null if the field has no members."
    )
    old_value: JSON | None = column(
        "The value before. Null if there was none, if it was malformed, or if `action` and `member` say all."
    )
    new_value: JSON | None = column(
        "The value after; of a token its label and when it ends, never its secret. Null if there is none."
    )
    actor_id: strawberry.ID | None = column(
        "The id of the user who did it. Null if that was the command line, an import, or a user who was "
        "deleted."
    )
    source: str = column("The interface through which it was done: `graphql`, `cli`, `import` or `sign-in`.")
    changed_at: DateTime = column("When it was done.")

    @strawberry.field(description="The user who did it. Null if unknown or if the viewer may not see them.")
    async def actor(self, info: Info[Context, None]) -> User | None:
        return await visible_user(info.context, self.row.actor_id)


@strawberry.type(directives=AUTHENTICATED, description="A page of changes of a user, newest first.")
class UserChangeConnection(Connection[UserChange]):
    node_type = UserChange

    @staticmethod
    def sort_key(row: changes.UserChange) -> str:
        return row.id
