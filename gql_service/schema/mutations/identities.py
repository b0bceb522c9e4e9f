"""Mutations that link identities of an OpenID Connect issuer to users, and unlink them."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.policy import Policy
from gql_service.domain.users import identities, provisioning
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.inputs.identities import LinkIdentityInput, UnlinkIdentityInput
from gql_service.schema.mutations.payloads import INPUT, payload_of
from gql_service.schema.mutations.user_payloads import UserPayload, access_to_user
from gql_service.schema.types.user import User
from gql_service.services.context import Context
from gql_service.store.connection import Connection


@strawberry.type(directives=AUTHENTICATED, description="The result of `linkIdentity`.")
class LinkIdentityPayload(UserPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `unlinkIdentity`.")
class UnlinkIdentityPayload(UserPayload):
    pass


@strawberry.type
class IdentityMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Let an account at an OpenID Connect issuer authenticate a user. Again has no effect. "
        "Only for admins of all tenants in which the user has permissions. A token that is limited "
        "(by scopes or platforms, or in time if it is of the same user) cannot do it.",
    )
    async def link_identity(
        self, info: Info[Context, None], input: Annotated[LinkIdentityInput, INPUT]
    ) -> LinkIdentityPayload:
        context = info.context
        access, user = await access_to_user(context, input.username, Policy.linking_access)

        async def link(connection: Connection, now: int) -> LinkIdentityPayload:
            locked = await provisioning.lock(connection, access.user_id)
            access_now = context.services.policy.linking_access(context.viewer, locked)
            issuer = input.full_issuer(context.services.settings)
            await identities.link(connection, access_now, issuer, input.subject, now=now)
            return LinkIdentityPayload(user=User(row=user))

        return await payload_of(context.write_with(link, access.user_id), LinkIdentityPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Stop an account at an OpenID Connect issuer from authenticating a user, at once. One "
        "that does not is ignored. Tokens that were issued meanwhile stay valid: `revokeTokens` ends them. "
        "For admins of all tenants in which the user has permissions.",
    )
    async def unlink_identity(
        self, info: Info[Context, None], input: Annotated[UnlinkIdentityInput, INPUT]
    ) -> UnlinkIdentityPayload:
        context = info.context
        access, user = await access_to_user(context, input.username, Policy.unlinking_access)

        async def unlink(connection: Connection, now: int) -> UnlinkIdentityPayload:
            locked = await provisioning.lock(connection, access.user_id)
            access_now = context.services.policy.unlinking_access(context.viewer, locked)
            issuer = input.full_issuer(context.services.settings)
            await identities.unlink(connection, access_now, issuer, input.subject, now=now)
            return UnlinkIdentityPayload(user=User(row=user))

        return await payload_of(context.write_with(unlink, access.user_id), UnlinkIdentityPayload)
