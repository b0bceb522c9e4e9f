"""Mutations on users, their badges, notifications and access tokens."""

from functools import partial
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import Info

from gql_service.auth.access import UserAccess
from gql_service.auth.policy import Policy
from gql_service.domain.users import access_tokens, badges, notifications, provisioning
from gql_service.errors import MalformedData, NotFound
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_ADMIN
from gql_service.schema.inputs.users import (
    CheckBadgeInput,
    CreateUserInput,
    IssueTokenInput,
    MarkNotificationsReadInput,
    RevokeTokenInput,
    UpdateUserInput,
)
from gql_service.schema.mutations.payloads import INPUT, Payload, payload_of
from gql_service.schema.mutations.user_payloads import UserPayload, access_to_user
from gql_service.schema.types.access_token import AccessToken
from gql_service.schema.types.badge import EarnedBadge
from gql_service.schema.types.user import MALFORMED, User
from gql_service.services.context import Context
from gql_service.store.connection import Connection

T = TypeVar("T")


@strawberry.type(directives=AUTHENTICATED, description="The result of `createUser`.")
class CreateUserPayload(UserPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `updateUser`.")
class UpdateUserPayload(UserPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `checkBadge`.")
class CheckBadgePayload(UserPayload):
    awarded: bool = strawberry.field(
        default=False, description="Whether the badge is new. False if the user already had it, or on errors."
    )
    earned_badge: EarnedBadge | None = strawberry.field(
        default=None, description=f"The badge of the user. Null if the write was rejected. {MALFORMED}"
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `markNotificationsRead`.")
class MarkNotificationsReadPayload(Payload):
    read_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The ids of the notifications that were unread before."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `issueToken`.")
class IssueTokenPayload(Payload):
    token: str | None = strawberry.field(
        default=None,
        description="The token with its secret. Store it: it is not returned again. Null if the write was "
        "rejected.",
    )
    access_token: AccessToken | None = strawberry.field(
        default=None, description="The token without its secret. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `revokeToken`.")
class RevokeTokenPayload(Payload):
    access_token: AccessToken | None = strawberry.field(default=None, description="The revoked token.")


@strawberry.type
class UserMutation:
    @strawberry.mutation(directives=TENANT_ADMIN, description="Create a user in a tenant.")
    async def create_user(
        self, info: Info[Context, None], input: Annotated[CreateUserInput, INPUT]
    ) -> CreateUserPayload:
        access = info.context.services.policy.new_user_access(info.context.viewer, input.tenant_id)

        async def create(connection: Connection, now: int) -> CreateUserPayload:
            row = await provisioning.create(
                connection,
                access,
                username=input.username,
                tenant_id=input.tenant_id,
                id=_provided(input.user_id),
                now=now,
                **input.changes(now),
            )
            return CreateUserPayload(user=User(row=row))

        return await payload_of(info.context.write_with(create), CreateUserPayload)

    @strawberry.mutation(
        directives=SELF,
        description="Update a user. Users can set their own preferences and profile, tenant admins all "
        "fields. If a user has permissions in other tenants too, an admin who does not administer all of "
        "these can set only `permissions`. "
        "From users of other tenants, an admin can take permissions of their own tenant: `permissions` lists "
        "those that stay; permissions of other tenants are not affected.",
    )
    async def update_user(
        self, info: Info[Context, None], input: Annotated[UpdateUserInput, INPUT]
    ) -> UpdateUserPayload:
        fields = input.changes(info.context.services.clock()).keys()
        rule = partial(Policy.change_access, fields=fields)
        access, _ = await access_to_user(info.context, _provided(input.username), rule)
        expected = _provided(input.expected_revision)

        async def change(connection: Connection, now: int) -> UpdateUserPayload:
            row = await provisioning.change(
                connection, access, input.changes(now), expected_revision=expected, now=now
            )
            return UpdateUserPayload(user=User(row=row))

        return await payload_of(info.context.write_with(change, access.user_id), UpdateUserPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Award a badge to a user, at most once. If the badge is new, the user gets a "
        "notification.",
    )
    async def check_badge(
        self, info: Info[Context, None], input: Annotated[CheckBadgeInput, INPUT]
    ) -> CheckBadgePayload:
        access, user = await access_to_user(info.context, input.username, Policy.badge_access)

        async def award(connection: Connection, now: int) -> CheckBadgePayload:
            awarded = await badges.award(connection, access, input.badge, now)
            earned = await badges.of_user(connection, access.user_id, input.badge)
            badge: Any = earned if isinstance(earned, MalformedData) else EarnedBadge(row=earned)
            return CheckBadgePayload(awarded=awarded, earned_badge=badge, user=User(row=user))

        return await payload_of(info.context.write_with(award), CheckBadgePayload)

    @strawberry.mutation(directives=AUTHENTICATED, description="Mark notifications of the viewer as read.")
    async def mark_notifications_read(
        self, info: Info[Context, None], input: Annotated[MarkNotificationsReadInput, INPUT]
    ) -> MarkNotificationsReadPayload:
        viewer, ids = info.context.viewer, _provided(input.ids)

        async def mark(connection: Connection, now: int) -> MarkNotificationsReadPayload:
            read = await notifications.mark_read(connection, viewer.user_id, ids, now)
            return MarkNotificationsReadPayload(read_ids=[strawberry.ID(id) for id in read])

        return await info.context.write_with(mark)

    @strawberry.mutation(
        directives=SELF,
        description="Issue an access token for the viewer, or for a user all of whose permissions are in "
        "tenants that the viewer administers. A user can have at most 100 valid tokens. A "
        "token ends with the one that issued it, if that is of the same user. One that an admin issued for "
        "somebody else ends when they are no longer an admin of that user's tenant.",
    )
    async def issue_token(
        self, info: Info[Context, None], input: Annotated[IssueTokenInput, INPUT]
    ) -> IssueTokenPayload:
        context = info.context
        access, _ = await access_to_user(context, _provided(input.username), Policy.token_access)

        async def issue(connection: Connection, now: int) -> IssueTokenPayload:
            access_now = await _lock_token_access(context, connection, access.user_id)
            max_lifetime = context.services.settings.token_max_lifetime
            token = await access_tokens.issue_for(
                connection, access_now, now=now, max_lifetime=max_lifetime, **input.options()
            )
            issued = await access_tokens.by_id(connection, token.id)
            return IssueTokenPayload(token=str(token), access_token=AccessToken(row=issued))

        return await payload_of(context.write_with(issue), IssueTokenPayload)

    @strawberry.mutation(
        directives=SELF,
        description="Revoke an access token at once: one of the viewer, or of a user all of whose "
        "permissions are in tenants that the viewer administers.",
    )
    async def revoke_token(
        self, info: Info[Context, None], input: Annotated[RevokeTokenInput, INPUT]
    ) -> RevokeTokenPayload:
        context = info.context
        user_id = (await _access_to_token(context, input.id)).user_id

        async def revoke(connection: Connection, now: int) -> RevokeTokenPayload:
            access = await _lock_token_access(context, connection, user_id)
            await access_tokens.revoke(connection, input.id, now=now, author=access.author)
            revoked = await access_tokens.by_id(connection, input.id)
            return RevokeTokenPayload(access_token=AccessToken(row=revoked))

        return await context.write_with(revoke)


def _provided(value: T | None) -> T | None:
    """The value of an input field, or None if it was omitted."""
    return None if value is strawberry.UNSET else value


async def _access_to_token(context: Context, id: str) -> UserAccess:
    """The access of the caller to the owner of a token. Raises NotFound or Forbidden."""
    loaders = context.services.loaders
    owner_id = await loaders.token_owners.load(id)
    owner = None if owner_id is None else await loaders.users.load(owner_id)
    try:
        return context.services.policy.token_access(context.viewer, owner)
    except NotFound as error:
        raise NotFound("Token not found", error.target) from None


async def _lock_token_access(context: Context, connection: Connection, user_id: str) -> UserAccess:
    """Lock a user, and check the access of the caller to their tokens again: meanwhile, the user may have
    gained rights that the caller does not administer. Raises NotFound or Forbidden."""
    user = await provisioning.lock(connection, user_id)
    return context.services.policy.token_access(context.viewer, user)
