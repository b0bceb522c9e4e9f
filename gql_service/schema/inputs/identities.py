"""The input of mutations that link identities to users, and unlink them."""

import strawberry

from gql_service.errors import Problem, Rejected
from gql_service.settings import Settings


@strawberry.input
class _IdentityInput:
    username: str = strawberry.field(description="The user.")
    subject: str = strawberry.field(
        description="The id of the account at the issuer, the claim `sub` of its tokens: at most 255 "
        "characters."
    )
    issuer: str | None = strawberry.field(
        default=None,
        description="The URL of the issuer, exactly as in the claim `iss`. Default: the issuer of the "
        "settings.",
    )

    def full_issuer(self, settings: Settings) -> str:
        """The issuer. Raises Rejected if there is none."""
        issuer = self.issuer if self.issuer is not None else settings.oidc_issuer
        if issuer is None:
            message = "The service has no issuer by default; name one."
            raise Rejected(Problem.INVALID_VALUE, message, ("issuer",))
        return issuer


@strawberry.input(description="A user, and the account that is to authenticate them.")
class LinkIdentityInput(_IdentityInput):
    pass


@strawberry.input(description="A user, and the account that is to stop authenticating them.")
class UnlinkIdentityInput(_IdentityInput):
    pass
