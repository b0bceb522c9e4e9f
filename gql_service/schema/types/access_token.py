"""`AccessToken`: a token a user signs in with, without its secret, which is shown only once."""

import strawberry

from gql_service.domain.users import access_tokens
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection


@strawberry.type(directives=AUTHENTICATED, description="An access token, without its secret.")
class AccessToken:
    row: strawberry.Private[access_tokens.AccessToken]
    id: strawberry.ID = column("The public part of the token, which `revokeToken` takes.")
    label: str = column("What the token is for.")
    created_at: DateTime = column("When it was issued.")
    expires_at: DateTime | None = column("When it ends; null means never.")
    revoked_at: DateTime | None = column("When it was revoked, if it was.")


@strawberry.type(directives=AUTHENTICATED, description="A page of access tokens, the oldest first.")
class AccessTokenConnection(Connection[AccessToken]):
    node_type = AccessToken

    @staticmethod
    def sort_key(row: access_tokens.AccessToken) -> str:
        """Tokens are listed in the order in which they were issued."""
        return f"{row.created_at:016} {row.id}"
