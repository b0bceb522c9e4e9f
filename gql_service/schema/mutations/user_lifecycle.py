"""Mutations that rename and delete users, and end all of their tokens."""

from typing import Annotated, Any

import strawberry
from strawberry import Info

from gql_service.auth.policy import Policy
from gql_service.domain.maintenance import user_erasure
from gql_service.domain.maintenance.user_erasure import ErasureResult, Rehearsal
from gql_service.domain.users import access_tokens, provisioning
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_ADMIN
from gql_service.schema.inputs.user_lifecycle import DeleteUserInput, RenameUserInput, RevokeTokensInput
from gql_service.schema.mutations.payloads import INPUT, Payload, payload_of
from gql_service.schema.mutations.user_payloads import UserPayload, access_to_user
from gql_service.schema.types.user import User
from gql_service.services.context import Context
from gql_service.store.connection import Connection


@strawberry.type(directives=AUTHENTICATED, description="The result of `renameUser`.")
class RenameUserPayload(UserPayload):
    pass


def _count(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.type(directives=AUTHENTICATED, description="How much a deletion of a user deletes and changes.")
class UserDeletion:
    documents: int = _count("Documents of the user.")
    changes: int = _count("Changes in the histories of these documents.")
    badges: int = _count("Badges of the user.")
    notifications: int = _count("Notifications of the user.")
    tokens: int = _count("Access tokens of the user.")
    changed_documents: int = _count("Documents of others from which the id of the user is removed.")
    changed_changes: int = _count("Changes of these documents from which the id of the user is removed.")
    user_changes: int = _count("Changes of the user's own fields (`User.changes`).")
    changed_user_changes: int = _count("Such changes of others from which the id of the user is removed.")
    revoked_tokens: int = _count("Tokens of others that end, because the user has issued them.")

    @staticmethod
    def of(erased: ErasureResult) -> "UserDeletion":
        return UserDeletion(
            documents=erased.rows["documents"],
            changes=erased.rows["document_changes"],
            badges=erased.rows["earned_badges"],
            notifications=erased.rows["notifications"],
            tokens=erased.rows["access_tokens"],
            changed_documents=erased.documents,
            changed_changes=erased.changes,
            user_changes=erased.rows["user_changes"],
            changed_user_changes=erased.user_changes,
            revoked_tokens=erased.tokens,
        )


@strawberry.type(directives=AUTHENTICATED, description="The result of `deleteUser`.")
class DeleteUserPayload(Payload):
    deleted_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the user who was deleted. Null after a dry run."
    )
    deletion: UserDeletion | None = strawberry.field(
        default=None, description="What was deleted, or in a dry run what would be deleted."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `revokeTokens`.")
class RevokeTokensPayload(Payload):
    revoked_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The ids of the tokens that were not revoked before."
    )


@strawberry.type
class UserLifecycleMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Give a user another username. The id stays, and so does everything that belongs to the "
        "user. The former name can be given to others. Only for admins of all tenants in which the user has "
        "permissions.",
    )
    async def rename_user(
        self, info: Info[Context, None], input: Annotated[RenameUserInput, INPUT]
    ) -> RenameUserPayload:
        access, _ = await access_to_user(info.context, input.username, Policy.renaming_access)

        async def rename(connection: Connection, now: int) -> RenameUserPayload:
            row = await provisioning.rename(
                connection, access, input.new_username, expected_revision=input.expected_revision, now=now
            )
            return RenameUserPayload(user=User(row=row))

        return await payload_of(info.context.write_with(rename, access.user_id), RenameUserPayload)

    @strawberry.mutation(
        directives=SELF,
        description="Permanently delete a user with all their data, in one transaction. Their id is removed "
        "from documents of others, and is never given out again. For admins of all tenants in which the user "
        "has permissions; users may delete themselves only where the setting SELF_DELETION is on.",
    )
    async def delete_user(
        self, info: Info[Context, None], input: Annotated[DeleteUserInput, INPUT]
    ) -> DeleteUserPayload:
        context = info.context
        may_oneself = context.services.settings.self_deletion
        rule = Policy.self_deletion_access if may_oneself else Policy.deletion_access
        access, _ = await access_to_user(context, input.username, rule)

        async def delete(connection: Connection, now: int) -> DeleteUserPayload:
            user = await provisioning.lock(connection, access.user_id)
            access_now = rule(context.services.policy, context.viewer, user)
            erased = await user_erasure.erase(connection, access_now, now, dry_run=input.dry_run)
            return DeleteUserPayload(
                deleted_user_id=strawberry.ID(access.user_id), deletion=UserDeletion.of(erased)
            )

        try:
            return await context.write_with(delete, access.user_id)
        except Rehearsal as rehearsal:
            return DeleteUserPayload(deletion=UserDeletion.of(rehearsal.result))

    @strawberry.mutation(
        directives=SELF,
        description="Revoke all access tokens of a user, also the one that the request carries: those "
        "of the viewer, or of a user all of whose permissions are in tenants that the viewer administers.",
    )
    async def revoke_tokens(
        self, info: Info[Context, None], input: Annotated[RevokeTokensInput, INPUT]
    ) -> RevokeTokensPayload:
        context = info.context
        access, _ = await access_to_user(context, input.username, Policy.token_access)

        async def revoke(connection: Connection, now: int) -> RevokeTokensPayload:
            user = await provisioning.lock(connection, access.user_id)
            access_now = context.services.policy.token_access(context.viewer, user)
            revoked = await access_tokens.revoke_all(connection, access_now, now)
            return RevokeTokensPayload(revoked_ids=[strawberry.ID(id) for id in revoked])

        return await context.write_with(revoke, access.user_id)
