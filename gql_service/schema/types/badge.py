"""`Badge`, `EarnedBadge` and `BadgeProgress`: the catalog, the badges of a user, and their progress."""

from collections.abc import Sequence

import strawberry

from gql_service.domain.users import badges
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import Timestamp


@strawberry.type(directives=AUTHENTICATED, description="A badge that users can earn.")
class Badge:
    row: strawberry.Private[badges.Badge]
    name: str = column("The unique name of the badge, such as `projectCreated`.")
    title: str = column("The title to display.")
    description: str = column("A sentence to show to users who have earned the badge.")
    criteria: str = column("What a user must do to earn the badge.")


@strawberry.type(directives=AUTHENTICATED, description="A badge that a user has earned.")
class EarnedBadge:
    row: strawberry.Private[badges.EarnedBadge]
    name: str = column("The unique name of the badge, such as `projectCreated`.")
    earned_at: Timestamp = column("When the badge was awarded.")

    @strawberry.field(description="The badge in the catalog. Null if the catalog no longer contains it.")
    def badge(self) -> Badge | None:
        row = badges.CATALOG.get(self.row.name)
        return None if row is None else Badge(row=row)


@strawberry.type(directives=AUTHENTICATED, description="The progress of a user through the badge catalog.")
class BadgeProgress:
    earned: int = strawberry.field(
        description="The number of badges in the catalog that the user has earned."
    )
    total: int = strawberry.field(description="The number of badges in the catalog.")
    locked: list[Badge] = strawberry.field(
        description="The badges that the user has not earned yet, in the order of the catalog."
    )


def catalog() -> list[Badge]:
    """All badges of the catalog."""
    return [Badge(row=row) for row in badges.CATALOG.values()]


def progress(earned: Sequence[badges.EarnedBadge]) -> BadgeProgress:
    """The progress of a user who has earned these badges."""
    locked = [Badge(row=row) for row in badges.locked(earned)]
    return BadgeProgress(earned=len(badges.CATALOG) - len(locked), total=len(badges.CATALOG), locked=locked)
