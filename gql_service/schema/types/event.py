"""`Event`: what has changed, when and by whom, without values."""

import strawberry
from strawberry import Info

from gql_service.domain.events.feed import PositionedEvent
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import EventType
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection
from gql_service.services.context import Context


@strawberry.type(
    directives=AUTHENTICATED,
    description="What a write has changed, without values. It is an event of a platform, or of its tenant.",
)
class Event:
    row: strawberry.Private[PositionedEvent]
    type: EventType = column("What has happened.")
    user_id: strawberry.ID | None = column(
        "The id of the user whose data has changed. Null if there is none."
    )
    actor_id: strawberry.ID | None = column(
        "The id of the user who made the change. Null for the operator, and for users that were erased."
    )
    occurred_at: DateTime = column("When it happened.")
    revision: int | None = column("The revision of the document after the change. Null if there is none.")
    changed_keys: list[str] = column(
        "The metadata keys or the fields that were created, changed or deleted, in alphabetical order. After "
        "a document was cleared, the keys of earlier changes are left out."
    )

    @strawberry.field(description="The key of the platform. Null if it concerns the tenant as a whole.")
    async def platform_key(self, info: Info[Context, None]) -> str | None:
        platform = await info.context.services.loaders.platforms_by_id.load(self.row.platform_id)
        return None if platform is None else platform.key


@strawberry.type(directives=AUTHENTICATED, description="A page of events, oldest first.")
class EventConnection(Connection[Event]):
    node_type = Event

    @staticmethod
    def sort_key(row: PositionedEvent) -> str:
        return str(row.position)
