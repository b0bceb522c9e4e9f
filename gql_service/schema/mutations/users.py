"""The writes about users: who they are, their badges, notifications and tokens."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import Info

from gql_service.auth.access import UserAccess
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.users import access_tokens, badges, notifications, provisioning
from gql_service.domain.users import rows as users
from gql_service.errors import MalformedData, NotFound, Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_ADMIN
from gql_service.schema.inputs.users import (
    CheckBadgeInput,
    CreateUserInput,
    IssueTokenInput,
    MarkNotificationsReadInput,
    RevokeTokenInput,
    UpdateUserInput,
)
from gql_service.schema.types.access_token import AccessToken
from gql_service.schema.types.badge import EarnedBadge
from gql_service.schema.types.user import MALFORMED, User
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.services.context import Context
from gql_service.store.connection import Connection

P = TypeVar("P", bound="Payload")
T = TypeVar("T")
_INPUT = strawberry.argument(description="What to write.")


@strawberry.type(directives=AUTHENTICATED, description="What every write about a user answers.")
class Payload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend; empty where the write was done."
    )


@strawberry.type(directives=AUTHENTICATED, description="The user that was written.")
class UserPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user after the write; null where it was refused."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of creating a user.")
class CreateUserPayload(UserPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of changing a user.")
class UpdateUserPayload(UserPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of awarding a badge.")
class CheckBadgePayload(UserPayload):
    awarded: bool = strawberry.field(
        default=False, description="Whether the badge is new; a second award changes nothing."
    )
    earned_badge: EarnedBadge | None = strawberry.field(
        default=None, description=f"The badge as the user has it. {MALFORMED}"
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of marking notifications.")
class MarkNotificationsReadPayload(Payload):
    read_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The notifications that were unread and are read now."
    )


@strawberry.type(directives=AUTHENTICATED, description="A new token.")
class IssueTokenPayload(Payload):
    token: str | None = strawberry.field(
        default=None, description="The token with its secret. Keep it; it is not shown again."
    )
    access_token: AccessToken | None = strawberry.field(default=None, description="The token otherwise.")


@strawberry.type(directives=AUTHENTICATED, description="The result of ending a token.")
class RevokeTokenPayload(Payload):
    access_token: AccessToken | None = strawberry.field(default=None, description="The token, revoked.")


@strawberry.type
class UserMutation:
    @strawberry.mutation(directives=TENANT_ADMIN, description="Add a user to a tenant.")
    async def create_user(
        self, info: Info[Context, None], input: Annotated[CreateUserInput, _INPUT]
    ) -> CreateUserPayload:
        access = info.context.services.policy.new_user(info.context.viewer, input.tenant_id)

        async def create(connection: Connection, now: int) -> CreateUserPayload:
            row = await provisioning.create(
                connection,
                access,
                username=input.username,
                tenant_id=input.tenant_id,
                id=_given(input.user_id),
                now=now,
                **input.changes(now),
            )
            return CreateUserPayload(user=User(row=row))

        return await _answered(info.context.write_with(create), CreateUserPayload)

    @strawberry.mutation(
        directives=SELF,
        description="Change a user: users set what is their own, admins also what is not. Of a user who has "
        "rights that an admin does not administer, the admin sets only `permissions`.",
    )
    async def update_user(
        self, info: Info[Context, None], input: Annotated[UpdateUserInput, _INPUT]
    ) -> UpdateUserPayload:
        access, _ = await _access(info.context, _given(input.username), Policy.user)
        expected = _given(input.expected_revision)

        async def change(connection: Connection, now: int) -> UpdateUserPayload:
            row = await provisioning.change(
                connection, access, input.changes(now), expected_revision=expected, now=now
            )
            return UpdateUserPayload(user=User(row=row))

        return await _answered(info.context.write_with(change), UpdateUserPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Award a badge, at most once; the user is notified when it is new.",
    )
    async def check_badge(
        self, info: Info[Context, None], input: Annotated[CheckBadgeInput, _INPUT]
    ) -> CheckBadgePayload:
        access, user = await _access(info.context, input.username, Policy.award)

        async def award(connection: Connection, now: int) -> CheckBadgePayload:
            awarded = await badges.award(connection, access, input.badge, now)
            earned = await badges.of_user(connection, access.user_id, input.badge)
            badge: Any = earned if isinstance(earned, MalformedData) else EarnedBadge(row=earned)
            return CheckBadgePayload(awarded=awarded, earned_badge=badge, user=User(row=user))

        return await _answered(info.context.write_with(award), CheckBadgePayload)

    @strawberry.mutation(directives=AUTHENTICATED, description="Mark the caller's notifications as read.")
    async def mark_notifications_read(
        self, info: Info[Context, None], input: Annotated[MarkNotificationsReadInput, _INPUT]
    ) -> MarkNotificationsReadPayload:
        viewer, ids = info.context.viewer, _given(input.ids)

        async def mark(connection: Connection, now: int) -> MarkNotificationsReadPayload:
            read = await notifications.mark_read(connection, viewer.user_id, ids, now)
            return MarkNotificationsReadPayload(read_ids=[strawberry.ID(id) for id in read])

        return await info.context.write_with(mark)

    @strawberry.mutation(
        directives=SELF,
        description="Make an access token: of oneself, or of a user all of whose rights one administers. At "
        "most 100 of a user's work at a time.",
    )
    async def issue_token(
        self, info: Info[Context, None], input: Annotated[IssueTokenInput, _INPUT]
    ) -> IssueTokenPayload:
        policy, viewer = info.context.services.policy, info.context.viewer
        access, _ = await _access(info.context, _given(input.username), Policy.token)

        async def issue(connection: Connection, now: int) -> IssueTokenPayload:
            # Again, under the lock: the user may have got rights meanwhile that the caller has not.
            access_now = policy.token(viewer, await provisioning.lock(connection, access.user_id))
            token = await access_tokens.issue_for(
                connection,
                access_now,
                label=input.label,
                lifetime=_given(input.expires_in_seconds),
                replaces=_given(input.replaces),
                overlap=input.overlap_seconds,
                now=now,
            )
            made = await access_tokens.by_id(connection, token.id)
            return IssueTokenPayload(token=str(token), access_token=AccessToken(row=made))

        return await _answered(info.context.write_with(issue), IssueTokenPayload)

    @strawberry.mutation(
        directives=SELF,
        description="End an access token at once: one's own, or that of a user all of whose rights one "
        "administers.",
    )
    async def revoke_token(
        self, info: Info[Context, None], input: Annotated[RevokeTokenInput, _INPUT]
    ) -> RevokeTokenPayload:
        loaders, policy = info.context.services.loaders, info.context.services.policy
        owner_id = await loaders.token_owners.load(input.id)
        owner = None if owner_id is None else await loaders.users.load(owner_id)
        viewer = info.context.viewer
        try:
            access = policy.token(viewer, owner)
        except NotFound:
            raise NotFound("Token not found") from None

        async def revoke(connection: Connection, now: int) -> RevokeTokenPayload:
            policy.token(viewer, await provisioning.lock(connection, access.user_id))
            await access_tokens.revoke(connection, input.id, now=now)
            return RevokeTokenPayload(
                access_token=AccessToken(row=await access_tokens.by_id(connection, input.id))
            )

        return await info.context.write_with(revoke)


def _given(value: T | None) -> T | None:
    """None for what was left out, too; an empty text was not left out."""
    return None if value is strawberry.UNSET else value


async def _access(
    context: Context,
    username: str | None,
    rule: Callable[[Policy, Principal, users.User | None], UserAccess],
) -> tuple[UserAccess, users.User]:
    """What a rule allows the caller to do with a user, by default themself. Raises NotFound or Forbidden."""
    viewer, loaders = context.viewer, context.services.loaders
    own = username is None or username == viewer.username
    user = await (loaders.users.load(viewer.user_id) if own else loaders.users_named.load(username or ""))
    access = rule(context.services.policy, viewer, user)
    if user is None:
        raise NotFound("User not found")
    return access, user


async def _answered(write: Awaitable[P], payload: type[P]) -> P:
    """The payload of a write, or one that says what to mend."""
    try:
        return await write
    except Rejected as rejected:
        return payload(user_errors=[user_error(rejected)])
