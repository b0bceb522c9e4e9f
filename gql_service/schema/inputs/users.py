"""The inputs of writes about users. What is left out stays as it is."""

from typing import Any

import strawberry

from gql_service.domain.users.fields import USER_FIELDS
from gql_service.domain.users.profiles import OptInDecision
from gql_service.schema.scalars import JSONObject, Timestamp


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A decision on an offer.")
class OptInDecisionInput:
    name: str = strawberry.field(description="What was offered.")
    opted_in: bool = strawberry.field(description="Whether the user took it.")
    decided_at: Timestamp | None = _optional("When they decided; by default now.")

    def row(self, now: int) -> OptInDecision:
        decided_at = now if self.decided_at in (None, strawberry.UNSET) else self.decided_at
        return OptInDecision(self.name, self.opted_in, decided_at)


@strawberry.input(description="What can be set of a user.")
class UserFields:
    language: str | None = _optional("A code of ISO 639-1, such as `de`; null for the browser's choice.")
    profile_fields: JSONObject | None = _optional(
        'Fields to set, each with a `value` and a `visibility` ("tenant" or "private"); null removes one.'
    )
    recent_projects: JSONObject | None = _optional(
        "Projects to set, each with when it was last opened in milliseconds; null removes one."
    )
    last_seen_release_version: str | None = _optional("The last release whose notes the user has seen.")
    opt_in_decisions: list[OptInDecisionInput] | None = _optional(
        "Decisions to set; those of other names stay."
    )
    personal_agent_permissions: JSONObject | None = _optional(
        "Projects to set, each `{type: {read, write}}`; null removes one."
    )
    email: str | None = _optional(
        "The canonical email address, which is not verified unless `emailVerified` says so. Admins only."
    )
    email_verified: bool | None = _optional("Whether the address is known to be the user's. Admins only.")
    image: str | None = _optional("The address of the profile image; null for none. Admins only.")
    permissions: list[str] | None = _optional(
        "All the user may do, each as `{TENANT_ID}::{PERMISSION}`. Admins of those tenants only."
    )
    password_change_disabled: bool | None = _optional("Admins only.")
    project_creation_disabled: bool | None = _optional("Admins only.")
    profile_field_change_disabled: bool | None = _optional("Admins only.")
    messaging_disabled: bool | None = _optional("Admins only.")
    is_platform_owner: bool | None = _optional("Whether the user is admin everywhere. Platform owners only.")

    def changes(self, now: int) -> dict[str, Any]:
        """The fields that were provided, by their columns."""
        values = {column: getattr(self, column) for column in USER_FIELDS}
        changes = {column: value for column, value in values.items() if value is not strawberry.UNSET}
        if changes.get("opt_in_decisions"):
            changes["opt_in_decisions"] = [decision.row(now) for decision in changes["opt_in_decisions"]]
        return changes


@strawberry.input(description="A new user.")
class CreateUserInput(UserFields):
    username: str = strawberry.field(description="1 to 150 letters, digits and the characters . @ + - _")
    tenant_id: strawberry.ID = strawberry.field(description="The tenant the user is to belong to.")
    email: str = strawberry.field(description="The canonical email address.")
    user_id: strawberry.ID | None = _optional("The user's own id; by default a random one.")


@strawberry.input(description="What is to change of a user.")
class UpdateUserInput(UserFields):
    username: str | None = _optional(
        "Whom to change; by default the caller. Naming others needs an admin of all their rights."
    )
    expected_revision: int | None = _optional("Write only if the user is at this revision.")


@strawberry.input(description="Which badge to award to whom.")
class CheckBadgeInput:
    username: str = strawberry.field(description="Who has earned it.")
    badge: str = strawberry.field(description="The name of a badge of `badgeCatalog`.")


@strawberry.input(description="Which notifications the caller has read.")
class MarkNotificationsReadInput:
    ids: list[strawberry.ID] | None = _optional("The ids of the notifications; by default all.")


@strawberry.input(description="A token to be made.")
class IssueTokenInput:
    username: str | None = _optional(
        "Whose token; by default the caller's. Naming others needs an admin of all their rights."
    )
    label: str = strawberry.field(default="", description="What the token is for, up to 200 characters.")
    expires_in_seconds: int | None = _optional("How long the token is to work; by default until revoked.")
    replaces: strawberry.ID | None = _optional(
        "The id of a token of the same user that this one replaces: that one ends after the overlap."
    )
    overlap_seconds: int = strawberry.field(
        default=0, description="How long a replaced token goes on working, so that no request fails."
    )


@strawberry.input(description="A token to be ended at once.")
class RevokeTokenInput:
    id: strawberry.ID = strawberry.field(description="The token's id, which is no secret.")
