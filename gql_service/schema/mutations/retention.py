"""The mutation of the retention of a platform."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain import tenants
from gql_service.domain.retention import Retention
from gql_service.errors import Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.services.context import Context

_KEPT = "Null or omitted: as the settings of the service say, which are also the maximum."


@strawberry.input(
    description="What a platform keeps, if that is less than the settings of the service say. It replaces "
    "what was set before."
)
class SetRetentionInput:
    platform_key: str = strawberry.field(description="The platform key.")
    history_max_age: int | None = strawberry.field(
        default=None, description=f"Days that a change stays in the history of a document. {_KEPT}"
    )
    history_max_changes: int | None = strawberry.field(
        default=None, description=f"Changes that stay in the history of a document. {_KEPT}"
    )
    idempotency_max_age: int | None = strawberry.field(
        default=None,
        description=f"Hours in which a repeated write with an idempotency key is done once. {_KEPT}",
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `setRetention`.")
class SetRetentionPayload:
    platform: Platform | None = strawberry.field(
        default=None, description="The platform after the write. Null if the write was rejected."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Errors that the caller can fix. Empty on success."
    )


@strawberry.type
class RetentionMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Set how long the history of a platform's documents and the answers to repeated writes "
        "are kept. Older data is deleted for good, some time later.",
    )
    async def set_retention(
        self,
        info: Info[Context, None],
        input: Annotated[SetRetentionInput, strawberry.argument(description="The input of the mutation.")],
    ) -> SetRetentionPayload:
        access, platform = await info.context.platform_access(input.platform_key)
        own = Retention(input.history_max_age, input.history_max_changes, input.idempotency_max_age)
        most = info.context.services.write_settings.retention
        try:
            await info.context.write_with(lambda tx, _now: tenants.set_retention(tx, access, own, most))
        except Rejected as error:
            return SetRetentionPayload(user_errors=[user_error(error)])
        return SetRetentionPayload(platform=Platform(row=platform._replace(**own._asdict())))
