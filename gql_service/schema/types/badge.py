"""`EarnedBadge`: one badge a user has earned."""

import strawberry

from gql_service.domain import badges
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.scalars import Timestamp


@strawberry.type(directives=AUTHENTICATED, description="A badge a user has earned.")
class EarnedBadge:
    name: str = strawberry.field(description="The badge's unique name, such as `projectCreated`.")
    earned_at: Timestamp = strawberry.field(description="When it was awarded.")

    @staticmethod
    def of(row: badges.EarnedBadge) -> "EarnedBadge":
        return EarnedBadge(name=row.name, earned_at=Timestamp(row.earned_at))
