"""`UserOptInDecision`: the answer of a user to an opt-in offer."""

import strawberry

from gql_service.domain.users import profiles
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import Timestamp


@strawberry.type(
    name="UserOptInDecision", directives=AUTHENTICATED, description="The answer of a user to an opt-in offer."
)
class OptInDecision:
    row: strawberry.Private[profiles.OptInDecision]
    name: str = column("The name of the offer.")
    opted_in: bool = column("Whether the user opted in.")
    decided_at: Timestamp = column("When the user decided.")
