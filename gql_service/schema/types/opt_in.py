"""`UserOptInDecision`: what a user decided on an offer."""

import strawberry

from gql_service.domain.users import profiles
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import Timestamp


@strawberry.type(
    name="UserOptInDecision", directives=AUTHENTICATED, description="What a user decided on an offer."
)
class OptInDecision:
    row: strawberry.Private[profiles.OptInDecision]
    name: str = column("What was offered.")
    opted_in: bool = column("Whether the user took it.")
    decided_at: Timestamp = column("When they decided.")
