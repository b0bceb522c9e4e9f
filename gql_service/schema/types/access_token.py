"""`AccessToken`: a token of a user, without its secret, which only `issueToken` returns."""

import strawberry

from gql_service.auth.scopes import Scope
from gql_service.domain.users import access_tokens
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection


@strawberry.type(directives=AUTHENTICATED, description="An access token, without its secret.")
class AccessToken:
    row: strawberry.Private[access_tokens.AccessToken]
    id: strawberry.ID = column("The public id of the token, which `revokeToken` accepts. It is not a secret.")
    label: str = column("What the token is used for. Empty if that was not specified.")
    created_at: DateTime = column("When the token was issued.")
    expires_at: DateTime | None = column("When the token expires. Null if it never expires.")
    revoked_at: DateTime | None = column("When the token was revoked. Null if it was not revoked.")
    scopes: list[Scope] = column("What the token may be used for.")
    platform_keys: list[str] | None = column(
        "The platforms that the token is limited to. Null if it is not limited."
    )


@strawberry.type(directives=AUTHENTICATED, description="A page of access tokens, oldest first.")
class AccessTokenConnection(Connection[AccessToken]):
    node_type = AccessToken

    @staticmethod
    def sort_key(row: access_tokens.AccessToken) -> str:
        """Tokens are listed in the order in which they were issued."""
        return f"{row.created_at:016} {row.id}"
