"""`Platform`: an application of a tenant, with its definitions and users."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import Info

from gql_service.auth.scopes import Scope
from gql_service.domain import tenants
from gql_service.domain.definitions.assignment import MAX_VARIANTS
from gql_service.domain.definitions.define import MAX_DEFINITIONS
from gql_service.domain.definitions.history import check_page
from gql_service.domain.events.feed import check_page as check_feed_page
from gql_service.domain.maintenance.write_counts import MAX_DAYS
from gql_service.domain.search.directory import UserSearch
from gql_service.domain.search.members import MemberSearch
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput, Rejected, RequestError
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN, TENANT_MEMBER
from gql_service.schema.batched_fields import batched_field
from gql_service.schema.enums import MetadataMode
from gql_service.schema.inputs.user_filter import UserFilter, UserOrder, member_search
from gql_service.schema.list_limits import max_items
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSONObject
from gql_service.schema.types.definition_change import MetadataDefinitionChangeConnection
from gql_service.schema.types.event import EventConnection
from gql_service.schema.types.metadata_definition import MetadataDefinition
from gql_service.schema.types.relay import (
    AFTER,
    BEFORE,
    FIRST,
    ID,
    LAST,
    Connection,
    Node,
    global_id,
    read_page,
)
from gql_service.schema.types.rollout import (
    Adoption,
    DailyWrites,
    KeyAdoption,
    RolloutPreview,
    VariantWeightInput,
)
from gql_service.schema.types.user import User
from gql_service.schema.types.webhook import Webhook
from gql_service.services.context import Context
from gql_service.services.definition_reports import (
    platform_adoption,
    platform_schema,
    rollout_preview,
    writes_per_day,
)


@strawberry.type(directives=AUTHENTICATED, description="A page of users.")
class UserConnection(Connection[User]):
    node_type = User
    search: strawberry.Private[MemberSearch | UserSearch]

    def sort_key(self, row: users.User) -> str:
        return row.user_id if self.page.cursors is None else self.page.cursors[row.user_id]

    @strawberry.field(description="The number of users in the whole list, on all pages.")
    async def total_count(self, info: Info[Context, None]) -> int:
        return await info.context.lists.member_counts.load(self.search)


@strawberry.type(
    directives=AUTHENTICATED,
    description="How long the service keeps history and answers. Older data is deleted some time later.",
)
class RetentionPolicy:
    history_max_age: int | None = strawberry.field(
        description="Days that a change stays in the history of a document. Null if there is no limit."
    )
    history_max_changes: int | None = strawberry.field(
        description="Changes that stay in the history of a document. Null if there is no limit."
    )
    idempotency_max_age: int | None = strawberry.field(
        description="Hours in which a repeated write with an idempotency key is done once."
    )


@strawberry.federation.type(
    keys=["key", "id"],
    directives=TENANT_MEMBER,
    description="An application of a tenant. Each member of the tenant has one metadata document on it.",
)
class Platform(Node):
    row: strawberry.Private[tenants.Platform]
    key: str = column("The unique platform key, such as `acme-corp`.")
    name: str = column("The name to display.")
    tenant_id: strawberry.ID = column("The id of the tenant that owns the platform.")
    mode: MetadataMode = column("Which keys documents of the platform may have.")

    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        return global_id("Platform", self.row.key)

    @strawberry.field(description="Whether the viewer is an admin of the tenant that owns the platform.")
    def viewer_is_admin(self, info: Info[Context, None]) -> bool:
        return info.context.services.policy.administers(info.context.viewer, self.row.tenant_id)

    @strawberry.field(description="How long the service keeps history and answers for this platform.")
    def retention(self, info: Info[Context, None]) -> RetentionPolicy:
        kept = info.context.services.write_settings.retention.shortened(self.row.own_retention)
        return RetentionPolicy(**kept._asdict())

    @batched_field(
        description="The definitions of metadata keys, in the order of the keys. Tenant admins see all, "
        "other members those of keys whose entries are not hidden by default (`isPublic: "
        "false`), and which they can evaluate (`clientVisible`)."
    )
    async def definitions(
        platforms: Sequence["Platform"], info: Info[Context, None]
    ) -> list[list[MetadataDefinition]]:
        ids = [platform.row.id for platform in platforms]
        definitions = await info.context.services.loaders.definitions.load_many(ids)
        info.context.stored_data.count_items(sum(map(len, definitions)))
        policy, viewer = info.context.services.policy, info.context.viewer
        administered = [policy.administers(viewer, platform.row.tenant_id) for platform in platforms]
        return [
            [MetadataDefinition(row=row) for row in rows if sees_all or row.is_known_to_members]
            for sees_all, rows in zip(administered, definitions, strict=True)
        ]

    @batched_field(
        description="The JSON Schema (draft 2020-12) of the metadata of the platform, made of the "
        "definitions that the viewer sees. For generating types; bounds of dates are not in it."
    )
    async def metadata_schema(platforms: Sequence["Platform"], info: Info[Context, None]) -> list[JSONObject]:
        async def read(platform: tenants.Platform) -> JSONObject:
            return JSONObject(await platform_schema(info.context, platform))

        return await _read_each(platforms, read)

    @strawberry.field(
        directives=TENANT_ADMIN,
        description="Every change of the definitions, newest first, with who made it and when.",
    )
    async def definition_history(
        self,
        info: Info[Context, None],
        key: Annotated[
            str | None, strawberry.argument(description="Only changes of this key. Default: all.")
        ] = None,
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> MetadataDefinitionChangeConnection | None:
        request = check_page(read_page(first, after, last, before))
        page = await info.context.services.loaders.definition_changes.load(((self.row.id, key), request))
        info.context.stored_data.count(sum(len(each.stored_definition or "") for each in page.items))
        return MetadataDefinitionChangeConnection(page=page)

    @batched_field(
        directives=TENANT_ADMIN,
        description="What other weights of the variants of a key would mean for the members of the "
        "platform's tenant. Nothing is changed. Null if the key is not defined.",
    )
    async def rollout_preview(
        platforms: Sequence["Platform"],
        info: Info[Context, None],
        key: Annotated[str, strawberry.argument(description="The defined key.")],
        variants: Annotated[
            list[VariantWeightInput],
            strawberry.argument(
                description="The new weights. Variants that are not named keep theirs.",
                metadata=max_items(MAX_VARIANTS),
            ),
        ],
        salt: Annotated[
            str | None, strawberry.argument(description="Another salt. Default: that of the definition.")
        ] = None,
    ) -> list[RolloutPreview | None]:
        weights = {each.name: each.weight for each in variants}

        async def read(platform: tenants.Platform) -> RolloutPreview | None:
            try:
                row = await rollout_preview(info.context, platform, key, weights, salt)
            except Rejected as refusal:
                raise BadUserInput(refusal.message) from None
            return None if row is None else RolloutPreview(row=row)

        found = await _read_each(platforms, read)
        previews = [each for each in found if isinstance(each, RolloutPreview)]
        info.context.stored_data.count_items(sum([len(each.row.variants) for each in previews]))
        return found

    @batched_field(
        directives=TENANT_ADMIN,
        description="How many documents of the platform have a valid entry of each key, also a hidden one.",
    )
    async def adoption(
        platforms: Sequence["Platform"],
        info: Info[Context, None],
        keys: Annotated[
            list[str] | None,
            strawberry.argument(
                description=f"Only these keys, at most {MAX_DEFINITIONS}. Default: the defined keys.",
                metadata=max_items(MAX_DEFINITIONS),
            ),
        ] = None,
    ) -> list[Adoption | None]:
        async def read(platform: tenants.Platform) -> Adoption:
            row = await platform_adoption(info.context, platform, keys)
            counts = [KeyAdoption(key=key, documents=row.by_key[key]) for key in sorted(row.by_key)]
            return Adoption(documents=row.documents, keys=counts)

        found = await _read_each(platforms, read)
        info.context.stored_data.count_items(
            sum([len(each.keys) for each in found if isinstance(each, Adoption)])
        )
        return found

    @batched_field(
        directives=TENANT_ADMIN,
        description="How many writes have changed documents of the platform, for each of the last days "
        "including today (UTC), oldest first. Writes of the last seconds may be missing.",
    )
    async def writes_per_day(
        platforms: Sequence["Platform"],
        info: Info[Context, None],
        days: Annotated[int, strawberry.argument(description=f"How many days, 1 to {MAX_DAYS}.")] = 30,
    ) -> list[list[DailyWrites] | None]:
        async def read(platform: tenants.Platform) -> list[DailyWrites]:
            return [DailyWrites(row=each) for each in await writes_per_day(info.context, platform, days)]

        found = await _read_each(platforms, read)
        info.context.stored_data.count_items(sum([len(each) for each in found if isinstance(each, list)]))
        return found

    @strawberry.field(
        directives=TENANT_ADMIN,
        description="The members of the platform's tenant, in the order of their user ids or of a metadata "
        "key.",
    )
    async def users(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
        where: Annotated[
            UserFilter | None, strawberry.argument(description="Only users that match this filter.")
        ] = None,
        order_by: Annotated[
            UserOrder | None,
            strawberry.argument(description="The order of the list. Default: that of the user ids."),
        ] = None,
    ) -> UserConnection | None:
        request = read_page(first, after, last, before)
        search = await member_search(info.context.services, self.row, where, order_by, request)
        page = await info.context.members(search, request)
        return UserConnection(search=search, page=page)

    @strawberry.field(
        directives=TENANT_ADMIN,
        description="What has changed on the platform and in its tenant, oldest first. To follow the "
        "changes, ask again with the last cursor as `after`. Events are deleted after some days; if any of "
        "those after the cursor were, the error is EVENTS_DELETED. The newest events are those of `last`, "
        "without `after`. Needs the scope EVENTS.",
    )
    async def events(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> EventConnection | None:
        request = check_feed_page(read_page(first, after, last, before))
        return EventConnection(page=await info.context.events(self.row, request))

    @strawberry.field(
        directives=TENANT_ADMIN,
        description="The webhooks of the platform, oldest first. Needs the scope EVENTS.",
    )
    async def webhooks(self, info: Info[Context, None]) -> list[Webhook] | None:
        context = info.context
        context.services.policy.require_scope(context.viewer, Scope.EVENTS)
        found = await context.services.loaders.webhooks.load(self.row.id)
        context.stored_data.count_items(len(found))
        return [Webhook(row=row) for row in found]


async def _read_each(
    platforms: Sequence[Platform], read: Callable[[tenants.Platform], Awaitable[Any]]
) -> list[Any]:
    """What `read` returns for each platform, or its error. The same one may be selected a thousand times."""
    found: dict[str, Any] = {}
    for row in {platform.row.id: platform.row for platform in platforms}.values():
        try:
            found[row.id] = await read(row)
        except RequestError as error:
            found[row.id] = error
    return [found[platform.row.id] for platform in platforms]


@strawberry.type(directives=AUTHENTICATED, description="A page of platforms, in the order of their keys.")
class PlatformConnection(Connection[Platform]):
    node_type = Platform

    @staticmethod
    def sort_key(row: tenants.Platform) -> str:
        return row.key
