"""`Notification`: what the service has told a user."""

import strawberry

from gql_service.domain.users import notifications
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection


@strawberry.type(directives=AUTHENTICATED, description="Something the service has told a user.")
class Notification:
    row: strawberry.Private[notifications.Notification]
    id: strawberry.ID = column("What `markNotificationsRead` takes.")
    kind: str = column("What it is about: `badge`.")
    title: str = column("The gist, for a list.")
    body: str = column("The whole.")
    created_at: DateTime = column("When it was written.")
    read_at: DateTime | None = column("When the user read it; null before.")


@strawberry.type(directives=AUTHENTICATED, description="A page of notifications, the newest first.")
class NotificationConnection(Connection[Notification]):
    node_type = Notification

    @staticmethod
    def sort_key(row: notifications.Notification) -> str:
        return row.id
