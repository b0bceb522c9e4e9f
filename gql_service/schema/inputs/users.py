"""Inputs of the mutations on users. Omitted fields are unchanged."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql_service.auth.scopes import Scope
from gql_service.domain.users.field_checks import MAX_ITEMS, MAX_PERMISSIONS
from gql_service.domain.users.fields import USER_FIELDS
from gql_service.domain.users.profiles import OptInDecision
from gql_service.schema.inputs.documents import provided
from gql_service.schema.list_limits import max_items
from gql_service.schema.scalars import JSONObject, Timestamp

MAX_TOKEN_PLATFORMS = 100

_MAX_NOTIFICATIONS = 1000


def _optional(description: str, metadata: Mapping[str, int] | None = None) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description, metadata=metadata)


@strawberry.input(description="The answer of a user to an opt-in offer.")
class OptInDecisionInput:
    name: str = strawberry.field(description="The name of the offer, 1 to 100 characters.")
    opted_in: bool = strawberry.field(description="Whether the user opted in.")
    decided_at: Timestamp | None = _optional("When the user decided. Default: now.")

    def row(self, now: int) -> OptInDecision:
        decided_at = now if self.decided_at in (None, strawberry.UNSET) else self.decided_at
        return OptInDecision(self.name, self.opted_in, decided_at)


@strawberry.input(description="The fields of a user that can be set.")
class UserFields:
    language: str | None = _optional(
        "The preferred language as an ISO 639-1 code, such as `de`. Null unsets it."
    )
    profile_fields: JSONObject | None = _optional(
        "Profile fields to set by name, each with `value` and `visibility` (`tenant` or `private`). Null "
        "deletes a field."
    )
    recent_projects: JSONObject | None = _optional(
        "When projects were last opened: project ids with milliseconds since 1970-01-01 UTC. Null deletes a "
        "project."
    )
    last_seen_release_version: str | None = _optional(
        "The last release whose notes the user has seen, 1 to 64 characters. Null unsets it."
    )
    opt_in_decisions: list[OptInDecisionInput] | None = _optional(
        f"Answers to opt-in offers to set, by name, at most {MAX_ITEMS}.",
        max_items(MAX_ITEMS),
    )
    personal_agent_permissions: JSONObject | None = _optional(
        "The permissions of the personal agent to set, as `{project: {type: {read, write}}}`. Null deletes a "
        "project."
    )
    email: str | None = _optional(
        "The email address. A new address is not verified unless `emailVerified` is true. Tenant admins only."
    )
    email_verified: bool | None = _optional("Whether the email address is verified. Tenant admins only.")
    image: str | None = _optional(
        "The http or https URL of the profile image. Null unsets it. Tenant admins only."
    )
    permissions: list[str] | None = _optional(
        f"All permissions of the user, each as `{{TENANT_ID}}::{{PERMISSION}}`, at most {MAX_PERMISSIONS:,}. "
        "Admins can grant and revoke permissions of their own tenants only.",
        max_items(MAX_PERMISSIONS),
    )
    password_change_disabled: bool | None = _optional(
        "If true, the user cannot change their password. Tenant admins only."
    )
    project_creation_disabled: bool | None = _optional(
        "If true, the user cannot create projects. Tenant admins only."
    )
    profile_field_change_disabled: bool | None = _optional(
        "If true, the user cannot change their profile fields. Tenant admins only."
    )
    messaging_disabled: bool | None = _optional(
        "If true, the user cannot create messages. Tenant admins only."
    )
    is_platform_owner: bool | None = _optional(
        "Whether the user is a platform owner, who has admin access to everything. Platform owners only."
    )

    def changes(self, now: int) -> dict[str, Any]:
        """The fields that were provided, by their columns."""
        values = {column: getattr(self, column) for column in USER_FIELDS}
        changes = {column: value for column, value in values.items() if value is not strawberry.UNSET}
        if changes.get("opt_in_decisions"):
            changes["opt_in_decisions"] = [decision.row(now) for decision in changes["opt_in_decisions"]]
        return changes


@strawberry.input(description="A new user.")
class CreateUserInput(UserFields):
    username: str = strawberry.field(
        description="The unique username: 1 to 150 letters, digits and the characters `.@+-_`."
    )
    tenant_id: strawberry.ID = strawberry.field(description="The id of the home tenant of the user.")
    email: str = strawberry.field(description="The email address.")
    user_id: strawberry.ID | None = _optional(
        "The user's own id: 1 to 64 ASCII letters, digits, `-` and `_`. Default: a random id."
    )


@strawberry.input(
    description="The changes of a user. Fields that are left out are unchanged, and so are profile fields, "
    "projects and answers that are not named. `permissions` replaces all permissions."
)
class UpdateUserInput(UserFields):
    username: str | None = _optional(
        "The user to change. Default: the viewer. Other users: tenant admins only."
    )
    expected_revision: int | None = _optional(
        "Write only if the user is at this revision; otherwise the write is rejected with `RevisionConflict`."
    )


@strawberry.input(description="The badge to award, and the user who earned it.")
class CheckBadgeInput:
    username: str = strawberry.field(description="The user who earned the badge.")
    badge: str = strawberry.field(description="The name of a badge in `badgeCatalog`.")


@strawberry.input(description="The notifications that the viewer has read.")
class MarkNotificationsReadInput:
    ids: list[strawberry.ID] | None = _optional(
        f"The ids of the notifications, at most {_MAX_NOTIFICATIONS:,}. Unknown ids are ignored. Default: "
        "all.",
        max_items(_MAX_NOTIFICATIONS),
    )


@strawberry.input(description="The access token to issue.")
class IssueTokenInput:
    username: str | None = _optional(
        "The user of the token. Default: the viewer. Other users: only admins of every tenant in which that "
        "user has permissions."
    )
    label: str = strawberry.field(
        default="", description="What the token is used for, at most 200 characters."
    )
    expires_in_seconds: int | None = _optional(
        "The lifetime of the token in seconds, at least 1. Default: until it is revoked. It "
        "may end earlier: see `issueToken` and `AccessToken.expiresAt`."
    )
    replaces: strawberry.ID | None = _optional(
        "The id of a token of the same user to replace. It expires after `overlapSeconds`."
    )
    overlap_seconds: int = strawberry.field(
        default=0, description="How long the replaced token stays valid, in seconds."
    )

    scopes: list[Scope] | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the token may be used for. Default: as the viewer's token, which cannot be "
        "exceeded.",
        metadata=max_items(len(Scope)),
    )
    platform_keys: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"The platforms that the token is limited to, at most {MAX_TOKEN_PLATFORMS}. It then "
        "reaches their documents and definitions, but changes no users. Default: as the viewer's token.",
        metadata=max_items(MAX_TOKEN_PLATFORMS),
    )

    def options(self) -> dict[str, Any]:
        """The arguments of `access_tokens.issue_for` that the client chooses."""
        values = provided(self)
        scopes = values.get("scopes")
        return {
            "label": self.label,
            "lifetime": values.get("expires_in_seconds"),
            "replaces": values.get("replaces"),
            "overlap": self.overlap_seconds,
            "scopes": None if scopes is None else [Scope(each) for each in scopes],
            "platform_keys": values.get("platform_keys"),
        }


@strawberry.input(description="The access token to revoke.")
class RevokeTokenInput:
    id: strawberry.ID = strawberry.field(description="The id of the token, as in `AccessToken.id`.")
