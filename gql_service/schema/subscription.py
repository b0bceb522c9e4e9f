"""The `Subscription` type."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import strawberry
from strawberry import Info

from gql_service.domain.events.feed import check_page
from gql_service.schema.auth_directive import SELF, TENANT_ADMIN
from gql_service.schema.types.document_change import PlatformMetadataChanged
from gql_service.schema.types.event import Event, EventConnection
from gql_service.schema.types.relay import AFTER, Edge, encode, read_page
from gql_service.services import subscriptions
from gql_service.services.context import Context
from gql_service.services.subscribers import SubscriptionContext


@strawberry.type(description="The changes that clients can follow, over WebSockets or server-sent events.")
class Subscription:
    @strawberry.subscription(
        directives=TENANT_ADMIN,
        description="The events of a platform and of its tenant, as `Platform.events` lists them. "
        "To continue after an interruption, send the last cursor as `after`. Needs the scope EVENTS.",
    )
    async def platform_events(
        self,
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform key.")],
        after: Annotated[str | None, AFTER] = None,
    ) -> AsyncGenerator[Edge[Event] | None, None]:
        request = check_page(read_page(None, after, None, None))
        context = cast(SubscriptionContext, info.context)
        async with aclosing(subscriptions.platform_events(context, platform_key, request.after)) as events:
            async for event in events:
                yield Edge(cursor=encode(EventConnection.sort_key(event)), node=Event(row=event))

    @strawberry.subscription(
        directives=SELF,
        description="The changes of the metadata document of a user on a platform, or of the user-wide "
        "document. To continue after an interruption, send the last revision as `sinceRevision`. Needs the "
        "scope EVENTS.",
    )
    async def platform_metadata_changed(
        self,
        info: Info[Context, None],
        platform_key: Annotated[
            str | None,
            strawberry.argument(description="The platform key. Default: the user-wide document."),
        ] = None,
        username: Annotated[
            str | None,
            strawberry.argument(
                description="The owner of the document. Default: the viewer. Other users: tenant admins only."
            ),
        ] = None,
        since_revision: Annotated[
            int | None,
            strawberry.argument(description="Also the changes after this revision. Default: from now on."),
        ] = None,
    ) -> AsyncGenerator[PlatformMetadataChanged | None, None]:
        context = cast(SubscriptionContext, info.context)
        stream = subscriptions.document_changes(context, platform_key, username, since_revision)
        async with aclosing(stream) as changes:
            async for change in changes:
                yield PlatformMetadataChanged(row=change)
