"""`LocalAuthUser`: the part of a user that a session carries. The fields below are the whole allow-list."""

import strawberry
from strawberry import Info

from gql_service.domain.users import rows as users
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSONObject, Timestamp
from gql_service.schema.types.badge import EarnedBadge
from gql_service.schema.types.opt_in import OptInDecision
from gql_service.schema.types.user import MALFORMED, User
from gql_service.services.context import Context


@strawberry.type(
    directives=AUTHENTICATED,
    description="The viewer as session data: an explicit subset of the fields of `User`.",
)
class LocalAuthUser:
    row: strawberry.Private[users.User]
    tenant_id: strawberry.ID = column("The id of the home tenant of the user.")
    created_at: Timestamp = column("When the user was created.")
    updated_at: Timestamp = column("When the user last changed.")
    email: str = column("The email address.")
    permissions: list[str] = column("The permissions of the user, each as `{TENANT_ID}::{PERMISSION}`.")
    revision: int = column("Increases by one with every change of the user.")
    password_change_disabled: bool = column("If true, the user cannot change their password.")
    project_creation_disabled: bool = column("If true, the user cannot create projects.")
    profile_field_change_disabled: bool = column("If true, the user cannot change their profile fields.")
    messaging_disabled: bool = column("If true, the user cannot create messages.")
    is_platform_owner: bool = column(
        "Whether the user is a platform owner, who has admin access to everything."
    )
    recent_projects: JSONObject | None = column(
        "When the user last opened each project: project ids with milliseconds since 1970-01-01 UTC. "
        f"{MALFORMED}"
    )
    last_seen_release_version: str | None = column(
        "The last release whose notes the user has seen. Null if none."
    )
    language: str | None = column(
        "The preferred language as an ISO 639-1 code, such as `de`. Null if none is set."
    )
    personal_agent_permissions: JSONObject | None = column(
        "The permissions of the user's personal agent, as `{project: {type: {read, write}}}`. "
        f"{MALFORMED}"
    )

    @strawberry.field(description="The user's own id, as in `User.userId`.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.row.user_id)

    @strawberry.field(
        description=f"The profile fields by name, each with `value` and `visibility`. {MALFORMED}"
    )
    def profile_fields(self) -> JSONObject | None:
        return User(row=self.row).all_profile_fields()

    @strawberry.field(description=f"The answers of the user to opt-in offers. {MALFORMED}")
    def opt_in_decisions(self) -> list[OptInDecision] | None:
        return [OptInDecision(row=row) for row in self.row.opt_in_decisions]

    @strawberry.field(description=f"The badges the user has earned, oldest first. {MALFORMED}")
    async def badges(self, info: Info[Context, None]) -> list[EarnedBadge] | None:
        rows = await info.context.services.loaders.badges.load(self.row.user_id)
        if isinstance(rows, Exception):
            raise rows
        return [EarnedBadge(row=row) for row in rows]
