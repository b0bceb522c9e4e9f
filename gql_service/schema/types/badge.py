"""`EarnedBadge`: one badge a user has earned."""

import strawberry

from gql_service.domain import badges
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.scalars import Timestamp
from gql_service.schema.types.node import column


@strawberry.type(directives=AUTHENTICATED, description="A badge a user has earned.")
class EarnedBadge:
    row: strawberry.Private[badges.EarnedBadge]
    name: str = column("The badge's unique name, such as `projectCreated`.")
    earned_at: Timestamp = column("When it was awarded.")
