"""`AccessToken`: a token a user signs in with, without its secret, which is shown only once."""

import strawberry

from gql_service.domain import access_tokens
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.node import column


@strawberry.type(directives=AUTHENTICATED, description="An access token, without its secret.")
class AccessToken:
    row: strawberry.Private[access_tokens.AccessToken]
    id: strawberry.ID = column("The public part of the token, which `revokeToken` takes.")
    label: str = column("What the token is for.")
    created_at: DateTime = column("When it was issued.")
    expires_at: DateTime | None = column("When it ends; null means never.")
    revoked_at: DateTime | None = column("When it was revoked, if it was.")
