"""`Notification`: what the service has told a user."""

import strawberry

from gql_service.domain.pagination import Page
from gql_service.domain.users import notifications
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import PageInfo, encode, page_info


@strawberry.type(directives=AUTHENTICATED, description="Something the service has told a user.")
class Notification:
    row: strawberry.Private[notifications.Notification]
    id: strawberry.ID = column("What `markNotificationsRead` takes.")
    kind: str = column("What it is about: `badge`.")
    title: str = column("The gist, for a list.")
    body: str = column("The whole.")
    created_at: DateTime = column("When it was written.")
    read_at: DateTime | None = column("When the user read it; null before.")


@strawberry.type(directives=AUTHENTICATED, description="A notification in a list.")
class NotificationEdge:
    cursor: str = strawberry.field(description="Where the notification stands in the list.")
    node: Notification = strawberry.field(description="The notification.")


@strawberry.type(directives=AUTHENTICATED, description="A page of notifications, the newest first.")
class NotificationConnection:
    page: strawberry.Private[Page[notifications.Notification]]

    @strawberry.field(description="The notifications with their cursors.")
    def edges(self) -> list[NotificationEdge]:
        return [
            NotificationEdge(cursor=encode(row.id), node=Notification(row=row)) for row in self.page.items
        ]

    @strawberry.field(description="The notifications.")
    def nodes(self) -> list[Notification]:
        return [Notification(row=row) for row in self.page.items]

    @strawberry.field(description="Where the page lies in the list.")
    def page_info(self) -> PageInfo:
        return page_info(self.page, [row.id for row in self.page.items])
