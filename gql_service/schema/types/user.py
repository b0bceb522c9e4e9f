"""`User`. Members of a common tenant see the directory fields; the user and their admins see all fields."""

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
from gql_service.schema.auth_directive import SELF, TENANT_ADMIN, TENANT_MEMBER
from gql_service.schema.batched_fields import batched_field
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime, JSONObject
from gql_service.schema.types.access_token import AccessTokenConnection
from gql_service.schema.types.badge import BadgeProgress, EarnedBadge, progress
from gql_service.schema.types.identity import Identity
from gql_service.schema.types.notification import NotificationConnection
from gql_service.schema.types.opt_in import OptInDecision
from gql_service.schema.types.relay import (
    AFTER,
    BEFORE,
    FIRST,
    ID,
    LAST,
    Node,
    connection_class,
    global_id,
    node_class,
    read_page,
)
from gql_service.services.context import Context

MALFORMED = "Null, with an error, if the stored data is malformed."
T = TypeVar("T")
# The module of documents imports this one, so their type is only named here.
_PLATFORMS: LazyType[Any, Any] = LazyType("PlatformConnection", "gql_service.schema.types.platform")
_DOCUMENTS: LazyType[Any, Any] = LazyType(
    "PlatformMetadataConnection", "gql_service.schema.types.platform_metadata"
)
_CHANGES: LazyType[Any, Any] = LazyType("UserChangeConnection", "gql_service.schema.types.user_change")
_PLATFORM_METADATA: LazyType[Any, Any] = LazyType(
    "PlatformMetadata", "gql_service.schema.types.platform_metadata"
)


@strawberry.federation.type(
    keys=["id", "userId", "username"],
    directives=TENANT_MEMBER,
    description="A user. Members of a common tenant can read some fields; the user and tenant admins can "
    "read all.",
)
class User(Node):
    row: strawberry.Private[users.User]
    user_id: strawberry.ID = column(
        "The id of the user as other services know it. It is not the global `id`."
    )
    tenant_id: strawberry.ID = column("The id of the home tenant of the user.")
    username: str = column("The unique username.")
    display_name: str = column(
        "The name to display: the first and last name in the profile unless private, or else the username."
    )
    image: str | None = column("The URL of the profile image. Null if there is none.")
    email: str | None = column("The email address.", SELF)
    permissions: list[str] | None = column(
        f"The permissions of the user, each as `{{TENANT_ID}}::{{PERMISSION}}`. {MALFORMED}", SELF
    )
    is_platform_owner: bool | None = column(
        "Whether the user is a platform owner, who has admin access to everything.", SELF
    )
    revision: int | None = column(
        "Increases by one with every change of the user. Documents have their own revisions.", SELF
    )
    created_at: DateTime | None = column("When the user was created.", SELF)
    updated_at: DateTime | None = column("When the user last changed.", SELF)
    email_verified: bool | None = column("Whether the email address is verified.", SELF)
    language: str | None = column(
        "The preferred language as an ISO 639-1 code, such as `de`. Null if none is set.", SELF
    )
    password_change_disabled: bool | None = column("If true, the user cannot change their password.", SELF)
    project_creation_disabled: bool | None = column("If true, the user cannot create projects.", SELF)
    profile_field_change_disabled: bool | None = column(
        "If true, the user cannot change their profile fields.", SELF
    )
    messaging_disabled: bool | None = column("If true, the user cannot create messages.", SELF)
    recent_projects: JSONObject | None = column(
        "When the user last opened each project: project ids with milliseconds since 1970-01-01 UTC. "
        f"{MALFORMED}",
        SELF,
    )
    last_seen_release_version: str | None = column(
        "The last release whose notes the user has seen. Null if none.", SELF
    )
    personal_agent_permissions: JSONObject | None = column(
        "The permissions of the user's personal agent, as `{project: {type: {read, write}}}`. "
        f"{MALFORMED}",
        SELF,
    )

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("User", self.row.user_id)

    @batched_field(description=f"The badges the user has earned, oldest first. {MALFORMED}")
    async def badges(users: Sequence["User"], info: Info[Context, None]) -> list[list[EarnedBadge] | None]:
        found = await info.context.services.loaders.badges.load_many([user.row.user_id for user in users])
        if len(users) > 1:
            info.context.stored_data.count_items(sum([len(each) for each in found if type(each) is list]))
        visible: list[Any] = [  # without calls, for there may be many users
            rows if isinstance(rows, MalformedData) else [EarnedBadge(row=row) for row in rows]
            for rows in found
        ]
        return visible

    @batched_field(description=f"The progress of the user through the badge catalog. {MALFORMED}")
    async def badge_progress(
        users: Sequence["User"], info: Info[Context, None]
    ) -> list[BadgeProgress | None]:
        found = await info.context.services.loaders.badges.load_many([user.row.user_id for user in users])
        results = [_unless_malformed(rows, progress) for rows in found]
        if len(users) > 1:
            info.context.stored_data.count_items(
                sum([len(each.locked) for each in results if isinstance(each, BadgeProgress)])
            )
        return results

    @batched_field(
        description="The profile fields by name, each with `value` and `visibility`. The user and tenant "
        "admins see all; others only fields with the visibility `tenant`, which `email` does not have by "
        f"default. {MALFORMED}"
    )
    async def profile_fields(users: Sequence["User"], info: Info[Context, None]) -> list[JSONObject | None]:
        verdict = info.context.services.policy.verdict(Role.SELF, info.context.principal)
        found: dict[str, Any] = {}  # the same user may be selected many times
        for user in users:
            if user.row.user_id not in found:
                include_private = allows(verdict, user.row)
                try:
                    found[user.row.user_id] = user._profile_fields(include_private=include_private)
                except MalformedData as error:
                    found[user.row.user_id] = error
        return [found[user.row.user_id] for user in users]

    def all_profile_fields(self) -> JSONObject:
        """All profile fields, private ones included: for the user and their admins."""
        return self._profile_fields(include_private=True)

    def _profile_fields(self, *, include_private: bool) -> JSONObject:
        row = self.row
        visible = visible_fields(
            row.stored_profile_fields, row.user_id, row.email, include_private=include_private
        )
        return JSONObject(strict_json.dumps(visible))

    @strawberry.field(directives=SELF, description=f"The answers of the user to opt-in offers. {MALFORMED}")
    def opt_in_decisions(self) -> list[OptInDecision] | None:
        return [OptInDecision(row=row) for row in self.row.opt_in_decisions]

    @strawberry.field(directives=SELF, description="The notifications of the user, newest first.")
    async def notifications(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> NotificationConnection | None:
        request = read_page(first, after, last, before)
        page = await info.context.lists.notifications.load((self.row.user_id, request))
        return NotificationConnection(page=page)

    @batched_field(directives=SELF, description="The number of unread notifications.")
    async def unread_notification_count(
        users: Sequence["User"], info: Info[Context, None]
    ) -> list[int | None]:
        counts = info.context.lists.unread.load_many([user.row.user_id for user in users])
        return list(await counts)

    @strawberry.field(
        directives=SELF,
        description="The access tokens of the user, oldest first: all valid tokens, and the latest that "
        "expired or were revoked.",
    )
    async def tokens(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> AccessTokenConnection | None:
        request = read_page(first, after, last, before)
        rows = await info.context.services.loaders.tokens.load(self.row.user_id)
        return AccessTokenConnection(page=page_of_list(rows, request, AccessTokenConnection.sort_key))

    @batched_field(
        directives=TENANT_ADMIN,
        description="Who changed which field of the user, and when, newest first. Permissions, badges and "
        "tokens are among the fields. Documents have a `history` of their own.",
        type_=_CHANGES | None,
    )
    async def changes(
        users: Sequence["User"],
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> list[Any]:
        request = read_page(first, after, last, before)
        connection = connection_class("UserChangeConnection")
        pages = await info.context.lists.user_changes.load_many(
            [(user.row.user_id, request) for user in users]
        )
        info.context.stored_data.count(sum(change.size for page in pages for change in page.items))
        return [connection(page=page) for page in pages]

    @batched_field(
        directives=SELF,
        description="The accounts at OpenID Connect issuers that authenticate the user, in the order in "
        "which they were linked.",
    )
    async def identities(users: Sequence["User"], info: Info[Context, None]) -> list[list[Identity] | None]:
        ids = [user.row.user_id for user in users]
        found = await info.context.services.loaders.identities.load_many(ids)
        info.context.stored_data.count_items(sum(map(len, found)))
        return [[Identity(row=row) for row in rows] for rows in found]

    @batched_field(
        directives=SELF,
        description="The metadata document of the user on a platform. An error if the viewer cannot see the "
        "platform, or if the user is not a member of its tenant.",
        type_=_PLATFORM_METADATA | None,
    )
    async def platform_metadata(
        users: Sequence["User"],
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform key.")],
    ) -> list[Any]:
        return await _documents(info.context, platform_key, users)

    @batched_field(
        directives=SELF,
        description="The user-wide metadata document, which belongs to no platform.",
        type_=_PLATFORM_METADATA | None,
    )
    async def user_metadata(users: Sequence["User"], info: Info[Context, None]) -> list[Any]:
        return await _documents(info.context, None, users)

    @batched_field(
        directives=SELF,
        description="The platforms of the tenants of the user, in the order of their keys. Admins see those "
        "of the tenants that they administer.",
        type_=_PLATFORMS | None,
    )
    async def platforms(
        users: Sequence["User"],
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> list[Any]:
        request = read_page(first, after, last, before)
        connection = connection_class("PlatformConnection")
        keys = [(info.context.visible_tenants(user.row), request) for user in users]
        pages = await info.context.services.loaders.platform_pages.load_many(keys)
        return [connection(page=page) for page in pages]

    @batched_field(
        directives=SELF,
        description="The documents of the user that were written and that the viewer can see.",
        type_=_DOCUMENTS | None,
    )
    async def documents(
        users: Sequence["User"],
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> list[Any]:
        request = read_page(first, after, last, before)
        connection = connection_class("PlatformMetadataConnection")
        # One after the other: the documents of each count before those of the next are read.
        rows = {user.row.user_id: user.row for user in users}
        pages = {id_: await info.context.documents_page(row, request) for id_, row in rows.items()}
        return [connection(page=pages[user.row.user_id]) for user in users]


async def _documents(context: Context, platform_key: str | None, users: Sequence[User]) -> list[Any]:
    """The documents of users, or the errors of those that are refused."""
    found = await context.documents_of(platform_key, [user.row for user in users])
    document = node_class("PlatformMetadata")
    return [document(row=row) if isinstance(row, DocumentView) else row for row in found]


def _unless_malformed(found: T | MalformedData, show: Callable[[T], Any]) -> Any:
    """The value, or the exception, which becomes an error of that user only."""
    return found if isinstance(found, MalformedData) else show(found)
