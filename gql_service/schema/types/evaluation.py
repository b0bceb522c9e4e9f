"""`Evaluation`: the effective value of a key for a user, and why it is that."""

import strawberry

from gql_service.domain.flags import evaluation
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import EvaluationReason, EvaluationSource
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON


@strawberry.type(
    directives=AUTHENTICATED, description="The effective value of a key for a user, and why it is that."
)
class Evaluation:
    row: strawberry.Private[evaluation.Evaluation]
    key: str = column("The key.")
    value: JSON | None = column("The value. Null if there is no entry, no variant and no default.")
    reason: EvaluationReason = column("Why the key has this value.")
    variant: str | None = column("The name of the variant. Null if the value is not of a variant.")
    source: EvaluationSource | None = column("Where the value comes from. Null if there is no value.")
