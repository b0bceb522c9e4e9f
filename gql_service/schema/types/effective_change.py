"""`EffectiveChanged`: what a subscriber of effective values gets."""

import strawberry

from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.types.evaluation import Evaluation
from gql_service.services.effective_changes import EffectiveChange


@strawberry.type(
    directives=AUTHENTICATED,
    description="A change of effective values, or of why they are effective, as "
    "`PlatformMetadata.evaluations` has them for the viewer.",
)
class EffectiveChanged:
    row: strawberry.Private[EffectiveChange]
    changed_keys: list[str] = column(
        "The keys whose value, reason, source or variant has changed, in alphabetical order. Empty if "
        "`resync` is true."
    )
    resync: bool = column(
        "If true, `evaluations` has all keys: use them, and forget what you know. So it is at first, unless "
        "`sinceVersion` is the version of the present evaluations."
    )
    version: str = column(
        "Identifies all evaluations after the change. Keep it, and send it as `sinceVersion` to continue."
    )

    @strawberry.field(
        description="The changed keys as they are evaluated now, in the order of the keys. Keys that have no "
        "value any more are missing, or their value is null."
    )
    def evaluations(self) -> list[Evaluation]:
        return [Evaluation(row=each) for each in self.row.evaluations]
