"""`AccessToken`: a token a user signs in with, without its secret, which is shown only once."""

import strawberry

from gql_service.domain.pagination import Page
from gql_service.domain.users import access_tokens
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import PageInfo, encode, page_info


@strawberry.type(directives=AUTHENTICATED, description="An access token, without its secret.")
class AccessToken:
    row: strawberry.Private[access_tokens.AccessToken]
    id: strawberry.ID = column("The public part of the token, which `revokeToken` takes.")
    label: str = column("What the token is for.")
    created_at: DateTime = column("When it was issued.")
    expires_at: DateTime | None = column("When it ends; null means never.")
    revoked_at: DateTime | None = column("When it was revoked, if it was.")


@strawberry.type(directives=AUTHENTICATED, description="An access token in a list.")
class AccessTokenEdge:
    cursor: str = strawberry.field(description="Where the token stands in the list.")
    node: AccessToken = strawberry.field(description="The token.")


@strawberry.type(directives=AUTHENTICATED, description="A page of access tokens, the oldest first.")
class AccessTokenConnection:
    page: strawberry.Private[Page[access_tokens.AccessToken]]

    @strawberry.field(description="The tokens with their cursors.")
    def edges(self) -> list[AccessTokenEdge]:
        return [
            AccessTokenEdge(cursor=encode(order(row)), node=AccessToken(row=row)) for row in self.page.items
        ]

    @strawberry.field(description="The tokens.")
    def nodes(self) -> list[AccessToken]:
        return [AccessToken(row=row) for row in self.page.items]

    @strawberry.field(description="Where the page lies in the list.")
    def page_info(self) -> PageInfo:
        return page_info(self.page, [order(row) for row in self.page.items])


def order(row: access_tokens.AccessToken) -> str:
    """What tokens are in the order of: when they were made."""
    return f"{row.created_at:016} {row.id}"
