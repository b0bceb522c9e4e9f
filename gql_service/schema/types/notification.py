"""`Notification`: a message of the service to a user."""

import strawberry

from gql_service.domain.users import notifications
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection


@strawberry.type(directives=AUTHENTICATED, description="A message of the service to a user.")
class Notification:
    row: strawberry.Private[notifications.Notification]
    id: strawberry.ID = column("The id, which `markNotificationsRead` accepts.")
    kind: str = column("The kind of notification. Currently always `badge`.")
    title: str = column("A short text for lists.")
    body: str = column("The full text.")
    created_at: DateTime = column("When the notification was created.")
    read_at: DateTime | None = column("When the user marked the notification as read. Null if it is unread.")


@strawberry.type(directives=AUTHENTICATED, description="A page of notifications, newest first.")
class NotificationConnection(Connection[Notification]):
    node_type = Notification

    @staticmethod
    def sort_key(row: notifications.Notification) -> str:
        return row.id


@strawberry.type(directives=AUTHENTICATED, description="A notification that the viewer has just received.")
class NotificationReceived:
    cursor: str = strawberry.field(
        description="Keep it, and send it as `after` to continue. It is none of `User.notifications`."
    )
    notification: Notification = strawberry.field(description="The notification as it is now.")
