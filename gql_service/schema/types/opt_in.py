"""`UserOptInDecision`: what a user decided on an offer."""

import strawberry

from gql_service.domain import profiles
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.scalars import Timestamp
from gql_service.schema.types.node import column


@strawberry.type(
    name="UserOptInDecision", directives=AUTHENTICATED, description="What a user decided on an offer."
)
class OptInDecision:
    row: strawberry.Private[profiles.OptInDecision]
    name: str = column("What was offered.")
    opted_in: bool = column("Whether the user took it.")
    decided_at: Timestamp = column("When they decided.")
