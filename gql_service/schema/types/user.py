"""`User`: whom metadata is about. Other members see the directory fields, the user and their admins all."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import Info
from strawberry.types.lazy_type import LazyType

from gql_service import strict_json
from gql_service.auth.roles import Role, allows
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.pagination import page_of_list
from gql_service.domain.users import rows as users
from gql_service.domain.users.profiles import visible_fields
from gql_service.errors import MalformedData
from gql_service.schema.auth_directive import SELF, TENANT_MEMBER
from gql_service.schema.batched_fields import batched_field
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types.access_token import AccessTokenConnection, order
from gql_service.schema.types.badge import BadgeProgress, EarnedBadge, progress
from gql_service.schema.types.notification import NotificationConnection
from gql_service.schema.types.opt_in import OptInDecision
from gql_service.schema.types.relay import (
    AFTER,
    BEFORE,
    FIRST,
    ID,
    LAST,
    Node,
    global_id,
    node_class,
    read_page,
)
from gql_service.services.context import Context

MALFORMED = "Null, with an error, where what is stored is malformed."
T = TypeVar("T")
# Documents lead to their user, and so would import this module: here they are known by name only.
_PLATFORM_METADATA: LazyType[Any, Any] = LazyType(
    "PlatformMetadata", "gql_service.schema.types.platform_metadata"
)


@strawberry.federation.type(
    keys=["id", "userId", "username"],
    directives=TENANT_MEMBER,
    description="A user of the service. Members of a common tenant see the directory fields.",
)
class User(Node):
    row: strawberry.Private[users.User]
    user_id: strawberry.ID = column("The user's own id, as other services know it.")
    tenant_id: strawberry.ID = column("The tenant the user belongs to.")
    username: str = column("The unique name the user signs in with.")
    display_name: str = column("What to call the user: computed from the profile, or the username.")
    image: str | None = column("The address of the profile image.")
    email: str = column("The canonical email address.", SELF)
    permissions: list[str] | None = column(
        f"What the user may do, each as `{{TENANT_ID}}::{{PERMISSION}}`. {MALFORMED}", SELF
    )
    is_platform_owner: bool = column("Whether the user is admin everywhere.", SELF)
    revision: int = column("Counts the changes of the user; documents have a counter of their own.", SELF)
    created_at: DateTime = column("When the user was created.", SELF)
    updated_at: DateTime = column("When the user last changed.", SELF)
    email_verified: bool = column("Whether the email address is known to be the user's.", SELF)
    language: str | None = column("The preferred language, as a code of ISO 639-1.", SELF)
    password_change_disabled: bool = column("The user cannot change their password.", SELF)
    project_creation_disabled: bool = column("The user cannot create projects.", SELF)
    profile_field_change_disabled: bool = column("The user cannot change their profile fields.", SELF)
    messaging_disabled: bool = column("The user cannot create messages.", SELF)
    recent_projects: JSONObject | None = column(
        f"When each project was last opened, in milliseconds. {MALFORMED}", SELF
    )
    last_seen_release_version: str | None = column("The last release whose notes the user has seen.", SELF)
    personal_agent_permissions: JSONObject | None = column(
        f"What the user's agent may do: `{{project: {{type: {{read, write}}}}}}`. {MALFORMED}", SELF
    )

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("User", self.row.user_id)

    @batched_field(description=f"The badges the user has earned, oldest first. {MALFORMED}")
    async def badges(users: Sequence["User"], info: Info[Context, None]) -> list[list[EarnedBadge] | None]:
        found = await info.context.services.loaders.badges.load_many([user.row.user_id for user in users])
        shown: list[Any] = [  # without calls, for there may be many users
            rows if isinstance(rows, MalformedData) else [EarnedBadge(row=row) for row in rows]
            for rows in found
        ]
        return shown

    @batched_field(description=f"How far the user has come with the catalogue of badges. {MALFORMED}")
    async def badge_progress(
        users: Sequence["User"], info: Info[Context, None]
    ) -> list[BadgeProgress | None]:
        found = await info.context.services.loaders.badges.load_many([user.row.user_id for user in users])
        return [_unless_malformed(rows, progress) for rows in found]

    @strawberry.field(
        description="The profile fields, each with `value` and `visibility`; others see those that are "
        f"visible to the tenant, and the address only where it is made so. {MALFORMED}"
    )
    def profile_fields(self, info: Info[Context, None]) -> JSONObject | None:
        context = info.context
        verdict = context.services.policy.verdict(Role.SELF, context.principal)
        return self.all_profile_fields() if allows(verdict, self.row) else self._shown(include_private=False)

    def all_profile_fields(self) -> JSONObject:
        """As the user themself and their admins see them."""
        return self._shown(include_private=True)

    def _shown(self, *, include_private: bool) -> JSONObject:
        row = self.row
        shown = visible_fields(
            row.stored_profile_fields, row.user_id, row.email, include_private=include_private
        )
        return JSONObject(strict_json.dumps(shown))

    @strawberry.field(directives=SELF, description=f"What the user decided on offers. {MALFORMED}")
    def opt_in_decisions(self) -> list[OptInDecision] | None:
        return [OptInDecision(row=row) for row in self.row.opt_in_decisions]

    @strawberry.field(directives=SELF, description="What the service has told the user, the newest first.")
    async def notifications(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> NotificationConnection:
        request = read_page(first, after, last, before)
        page = await info.context.services.loaders.notifications.load((self.row.user_id, request))
        return NotificationConnection(page=page)

    @batched_field(directives=SELF, description="How many notifications the user has not read.")
    async def unread_notification_count(users: Sequence["User"], info: Info[Context, None]) -> list[int]:
        return await info.context.services.loaders.unread.load_many([user.row.user_id for user in users])

    @strawberry.field(
        directives=SELF,
        description="The user's access tokens, oldest first: those that work, and the latest that ended.",
    )
    async def tokens(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> AccessTokenConnection:
        request = read_page(first, after, last, before)
        rows = await info.context.services.loaders.tokens.load(self.row.user_id)
        return AccessTokenConnection(page=page_of_list(rows, request, order))

    @batched_field(
        directives=SELF, description="The user's metadata on a platform.", type_=_PLATFORM_METADATA
    )
    async def platform_metadata(
        users: Sequence["User"],
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform's key.")],
    ) -> list[Any]:
        return await _documents(info.context, platform_key, users)

    @batched_field(
        directives=SELF,
        description="The user's metadata that belongs to no platform.",
        type_=_PLATFORM_METADATA,
    )
    async def user_metadata(users: Sequence["User"], info: Info[Context, None]) -> list[Any]:
        return await _documents(info.context, None, users)


async def _documents(context: Context, platform_key: str | None, users: Sequence[User]) -> list[Any]:
    """The documents of users, or why one is refused."""
    found = await context.documents_of(platform_key, [user.row for user in users])
    document = node_class("PlatformMetadata")
    return [document(row=row) if isinstance(row, DocumentView) else row for row in found]


def _unless_malformed(found: T | MalformedData, show: Callable[[T], Any]) -> Any:
    """An exception among the values is an error of that user alone."""
    return found if isinstance(found, MalformedData) else show(found)
