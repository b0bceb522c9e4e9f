"""What mutations on users share: their payload, and the access of the caller to the user."""

from collections.abc import Callable

import strawberry

from gql_service.auth.access import UserAccess
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.users import rows as users
from gql_service.errors import NotFound
from gql_service.names import is_same
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.mutations.payloads import Payload
from gql_service.schema.types.user import User
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="The result of a write of a user, with the user.")
class UserPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user after the write. Null if the write was rejected."
    )


async def access_to_user(
    context: Context,
    username: str | None,
    rule: Callable[[Policy, Principal, users.User | None], UserAccess],
) -> tuple[UserAccess, users.User]:
    """The access that a rule gives the caller to a user (by default the caller), and the user.

    Raises NotFound or Forbidden.
    """
    viewer, loaders = context.viewer, context.services.loaders
    own = username is None or is_same(username, viewer.username)
    user = await (loaders.users.load(viewer.user_id) if own else loaders.users_named.load(username or ""))
    access = rule(context.services.policy, viewer, user)
    if user is None:
        raise NotFound("User not found")
    return access, user
