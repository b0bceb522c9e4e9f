"""What admins are told about a platform: previews of rollouts, adoption of keys, writes per day."""

import strawberry

from gql_service.domain.flags import rollout
from gql_service.domain.maintenance import write_counts
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column


@strawberry.input(description="Another weight of a variant.")
class VariantWeightInput:
    name: str = strawberry.field(description="The name of the variant.")
    weight: int = strawberry.field(description="The share of the users, in 1/100,000.")


@strawberry.type(
    directives=AUTHENTICATED,
    description="How many members are in a variant, of those whose value no entry decides.",
)
class VariantCount:
    row: strawberry.Private[rollout.VariantCount]
    name: str | None = column("The name of the variant. Null for the default.")
    weight: int = column("Its share of the users, in 1/100,000.")
    members: int = column("The members who would be in it.")
    members_now: int = column("The members who are in it now.")


@strawberry.type(directives=AUTHENTICATED, description="What other weights of variants would mean.")
class RolloutPreview:
    row: strawberry.Private[rollout.RolloutPreview]
    members: int = column("The members of the platform's tenant.")
    overrides: int = column("The members whose value their own entries decide, whatever the weights are.")
    moved: int = column("The members who would get another variant, or the default instead of one.")

    @strawberry.field(description="The members by variant; the default is the first.")
    def variants(self) -> list[VariantCount]:
        return [VariantCount(row=each) for each in self.row.variants]


@strawberry.type(directives=AUTHENTICATED, description="The writes of one day.")
class DailyWrites:
    row: strawberry.Private[write_counts.DailyWrites]
    writes: int = column("How many writes have changed documents.")
    day: str = column("The day (UTC), such as `2024-03-01`.")


@strawberry.type(directives=AUTHENTICATED, description="How many documents have a valid entry of a key.")
class KeyAdoption:
    key: str = strawberry.field(description="The key.")
    documents: int = strawberry.field(description="The documents with a valid entry of the key.")


@strawberry.type(
    directives=AUTHENTICATED, description="How many documents of a platform have an entry of each key."
)
class Adoption:
    documents: int = strawberry.field(description="The documents of the platform that were ever written.")
    keys: list[KeyAdoption] = strawberry.field(description="The counts by key, in the order of the keys.")
