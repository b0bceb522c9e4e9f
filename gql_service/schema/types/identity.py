"""`Identity`: an account at an OpenID Connect issuer that authenticates a user."""

import strawberry

from gql_service.domain.users import identities
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime


@strawberry.type(
    directives=AUTHENTICATED,
    description="An account at an OpenID Connect issuer. Its access tokens authenticate the user.",
)
class Identity:
    row: strawberry.Private[identities.Identity]
    issuer: str = column("The URL of the issuer.")
    subject: str = column("The id of the account at the issuer, the claim `sub` of its tokens.")
    linked_at: DateTime = column("When it was linked to the user.")
