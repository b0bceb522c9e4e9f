"""`Badge`, `EarnedBadge` and `BadgeProgress`: what can be earned, what a user has, and what is left."""

from collections.abc import Sequence

import strawberry

from gql_service.domain.users import badges
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import Timestamp


@strawberry.type(directives=AUTHENTICATED, description="A badge that can be earned.")
class Badge:
    row: strawberry.Private[badges.Badge]
    name: str = column("The badge's unique name, such as `projectCreated`.")
    title: str = column("What to call it.")
    description: str = column("What whoever has it has done.")
    criteria: str = column("What has to be done to earn it.")


@strawberry.type(directives=AUTHENTICATED, description="A badge a user has earned.")
class EarnedBadge:
    row: strawberry.Private[badges.EarnedBadge]
    name: str = column("The badge's unique name, such as `projectCreated`.")
    earned_at: Timestamp = column("When it was awarded.")

    @strawberry.field(description="The badge in the catalogue; null where it has left that.")
    def badge(self) -> Badge | None:
        row = badges.CATALOG.get(self.row.name)
        return None if row is None else Badge(row=row)


@strawberry.type(directives=AUTHENTICATED, description="How far a user has come with the catalogue.")
class BadgeProgress:
    earned: int = strawberry.field(description="How many badges of the catalogue the user has.")
    total: int = strawberry.field(description="How many badges the catalogue has.")
    locked: list[Badge] = strawberry.field(description="The badges still to be earned.")


def catalog() -> list[Badge]:
    """All badges there are."""
    return [Badge(row=row) for row in badges.CATALOG.values()]


def progress(earned: Sequence[badges.EarnedBadge]) -> BadgeProgress:
    """What the badges of a user mean in the catalogue."""
    locked = [Badge(row=row) for row in badges.locked(earned)]
    return BadgeProgress(earned=len(badges.CATALOG) - len(locked), total=len(badges.CATALOG), locked=locked)
