"""The `Subscription` type."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import strawberry
from strawberry import Info

from gql_service.domain.events.feed import check_page
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_ADMIN
from gql_service.schema.types.document_change import PlatformMetadataChanged
from gql_service.schema.types.effective_change import EffectiveChanged
from gql_service.schema.types.event import Event, EventConnection
from gql_service.schema.types.notification import Notification, NotificationReceived
from gql_service.schema.types.relay import AFTER, Edge, encode, read_page
from gql_service.services import subscriptions
from gql_service.services.context import Context
from gql_service.services.effective_changes import effective_changes
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
        del info  # it has what was needed to start
        async with aclosing(subscriptions.platform_events(context, platform_key, request.after)) as events:
            async for event in events:
                yield Edge(cursor=encode(EventConnection.sort_key(event)), node=Event(row=event))

    @strawberry.subscription(
        directives=AUTHENTICATED,
        description="The changes of the viewer's effective values on a platform, and of their reasons: by "
        "writes of their documents, by changes of definitions, and because the validity of an entry begins "
        "or ends. The first event has all values. Needs the scope EVENTS.",
    )
    async def effective_changed(
        self,
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform key.")],
        since_version: Annotated[
            str | None,
            strawberry.argument(
                description="The last `version` that was received. If nothing has changed since, there is no "
                "event at the beginning."
            ),
        ] = None,
    ) -> AsyncGenerator[EffectiveChanged | None, None]:
        context = cast(SubscriptionContext, info.context)
        stream = effective_changes(context, platform_key, since_version)
        async with aclosing(stream) as changes:
            async for change in changes:
                yield EffectiveChanged(row=change)

    @strawberry.subscription(
        directives=AUTHENTICATED,
        description="The new notifications of the viewer. To continue after an interruption, send the last "
        "cursor as `after`. Needs the scope EVENTS.",
    )
    async def notification_received(
        self, info: Info[Context, None], after: Annotated[str | None, AFTER] = None
    ) -> AsyncGenerator[NotificationReceived | None, None]:
        request = check_page(read_page(None, after, None, None))
        context = cast(SubscriptionContext, info.context)
        stream = subscriptions.received_notifications(context, request.after)
        async with aclosing(stream) as found:
            async for each in found:
                yield NotificationReceived(
                    cursor=encode(str(each.position)), notification=Notification(row=each.notification)
                )

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
        del info  # it has what was needed to start
        stream = subscriptions.document_changes(context, platform_key, username, since_revision)
        async with aclosing(stream) as changes:
            async for change in changes:
                yield PlatformMetadataChanged(row=change)
                del change
