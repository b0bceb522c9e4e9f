"""The root of every write: open the document, write it, tell what was written or what to mend."""

from collections.abc import Callable
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain.documents import (
    CLEARING,
    Change,
    any_revision,
    exactly_revision,
    patching,
    replacing,
)
from gql_service.domain.values import Limits
from gql_service.errors import Rejected
from gql_service.schema.auth import AUTHENTICATED, SELF
from gql_service.schema.context import Context
from gql_service.schema.inputs import (
    ClearPlatformMetadataInput,
    DocumentInput,
    PatchPlatformMetadataInput,
    ReplacePlatformMetadataInput,
)
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.schema.user_mutation import UserMutation


@strawberry.type(directives=AUTHENTICATED, description="What every write of a document answers.")
class DocumentPayload:
    platform_metadata: PlatformMetadata | None = strawberry.field(
        default=None, description="The document after the write; null where the write was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend; empty where the write was done."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of a patch.")
class PatchPlatformMetadataPayload(DocumentPayload):
    deleted_keys: list[str] = strawberry.field(
        default_factory=list, description="The keys that existed, were to be removed, and are gone."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of a replacement.")
class ReplacePlatformMetadataPayload(DocumentPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of clearing.")
class ClearPlatformMetadataPayload(DocumentPayload):
    pass


PatchInput = Annotated[PatchPlatformMetadataInput, strawberry.argument(description="What to write where.")]
ReplaceInput = Annotated[
    ReplacePlatformMetadataInput, strawberry.argument(description="What to write where.")
]
ClearInput = Annotated[ClearPlatformMetadataInput, strawberry.argument(description="What to empty.")]


@strawberry.type(description="Everything that can be written.")
class Mutation(UserMutation):
    @strawberry.mutation(
        directives=SELF, description="Remove keys, then set keys; all others stay as they are."
    )
    async def patch_platform_metadata(
        self, info: Info[Context, None], input: PatchInput
    ) -> PatchPlatformMetadataPayload:
        payload = PatchPlatformMetadataPayload()
        payload.deleted_keys = await _write(
            info.context, input, payload, lambda limits: patching(input.metadata, input.delete_keys, limits)
        )
        return payload

    @strawberry.mutation(
        directives=SELF, description="Set exactly the given keys; all others are permanently deleted."
    )
    async def replace_platform_metadata(
        self, info: Info[Context, None], input: ReplaceInput
    ) -> ReplacePlatformMetadataPayload:
        payload = ReplacePlatformMetadataPayload()
        await _write(info.context, input, payload, lambda limits: replacing(input.metadata, limits))
        return payload

    @strawberry.mutation(
        directives=SELF, description="Permanently delete every key. The revision goes on counting."
    )
    async def clear_platform_metadata(
        self, info: Info[Context, None], input: ClearInput
    ) -> ClearPlatformMetadataPayload:
        payload = ClearPlatformMetadataPayload()
        await _write(info.context, input, payload, lambda _: CLEARING)
        return payload


async def _write(
    context: Context,
    input: DocumentInput,
    payload: DocumentPayload,
    change: Callable[[Limits], Change],
) -> list[str]:
    """Do the write, fill in the payload, and return the deleted keys."""
    access = await context.access(input.platform_key, input.username)
    expected = input.expected_revision
    precondition = any_revision if expected is None else exactly_revision(expected)
    try:
        written = await context.write(access, change(context.services.limits), precondition)
    except Rejected as error:
        payload.user_errors = [user_error(error)]
        return []
    payload.platform_metadata = PlatformMetadata(row=written.document)
    return written.deleted_keys
