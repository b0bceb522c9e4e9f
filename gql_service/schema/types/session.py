"""`LocalAuthUser`: as much of a user as a session carries. The columns below are the whole allow-list."""

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


@strawberry.type(directives=AUTHENTICATED, description="The caller, as a session carries them.")
class LocalAuthUser:
    row: strawberry.Private[users.User]
    tenant_id: strawberry.ID = column("The tenant the user belongs to.")
    created_at: Timestamp = column("When the user was created.")
    updated_at: Timestamp = column("When the user last changed.")
    email: str = column("The canonical email address.")
    permissions: list[str] = column("What the user may do, each as `{TENANT_ID}::{PERMISSION}`.")
    revision: int = column("Counts the changes of the user.")
    password_change_disabled: bool = column("The user cannot change their password.")
    project_creation_disabled: bool = column("The user cannot create projects.")
    profile_field_change_disabled: bool = column("The user cannot change their profile fields.")
    messaging_disabled: bool = column("The user cannot create messages.")
    is_platform_owner: bool = column("The user is admin everywhere.")
    recent_projects: JSONObject | None = column(
        f"When each project was last opened, in milliseconds. {MALFORMED}"
    )
    last_seen_release_version: str | None = column("The last release whose notes the user has seen.")
    language: str | None = column("The preferred language, as a code of ISO 639-1.")
    personal_agent_permissions: JSONObject | None = column(
        f"What the user's agent may do: by project, by type. {MALFORMED}"
    )

    @strawberry.field(description="The user's own id.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.row.user_id)

    @strawberry.field(description=f"The profile fields with their values and visibility. {MALFORMED}")
    def profile_fields(self) -> JSONObject | None:
        return User(row=self.row).all_profile_fields()

    @strawberry.field(description=f"What the user decided on offers. {MALFORMED}")
    def opt_in_decisions(self) -> list[OptInDecision] | None:
        return [OptInDecision(row=row) for row in self.row.opt_in_decisions]

    @strawberry.field(description=f"The badges the user has earned, oldest first. {MALFORMED}")
    async def badges(self, info: Info[Context, None]) -> list[EarnedBadge] | None:
        found = await info.context.services.loaders.badges.load(self.row.user_id)
        if isinstance(found, Exception):
            raise found
        return [EarnedBadge(row=row) for row in found]
