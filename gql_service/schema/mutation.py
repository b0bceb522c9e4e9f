"""The root of every write: open the document, write it, tell what was written or what to mend."""

from collections.abc import Callable, Sequence
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.policy import DocumentAccess
from gql_service.domain import idempotency, views
from gql_service.domain.changes import CLEARING, Change, patching, replacing
from gql_service.domain.documents import Document
from gql_service.domain.idempotency import Answer
from gql_service.domain.setting import setting
from gql_service.domain.values import Limits
from gql_service.domain.writing import Conflict, any_revision, exactly_revision
from gql_service.errors import Rejected
from gql_service.schema.auth import AUTHENTICATED, SELF
from gql_service.schema.context import Context
from gql_service.schema.definition_mutation import DefinitionMutation
from gql_service.schema.inputs import (
    ClearPlatformMetadataInput,
    DocumentInput,
    PatchPlatformMetadataInput,
    ReplacePlatformMetadataInput,
    SetUserMetadataInput,
    given,
)
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import RevisionConflict, UserError, user_error
from gql_service.schema.types.user_metadata import UserMetadata
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


@strawberry.type(directives=AUTHENTICATED, description="The result of setting entries.")
class SetUserMetadataPayload(DocumentPayload):
    entries: list[UserMetadata] = strawberry.field(
        default_factory=list, description="The entries that were set, as far as the viewer sees them."
    )
    deleted_keys: list[str] = strawberry.field(
        default_factory=list, description="The keys that existed, were to be removed, and are gone."
    )


_INPUT = strawberry.argument(description="What to write where.")


@strawberry.type(description="Everything that can be written.")
class Mutation(UserMutation, DefinitionMutation):
    @strawberry.mutation(
        directives=SELF, description="Remove keys, then set keys; all others stay as they are."
    )
    async def patch_platform_metadata(
        self, info: Info[Context, None], input: Annotated[PatchPlatformMetadataInput, _INPUT]
    ) -> PatchPlatformMetadataPayload:
        payload = PatchPlatformMetadataPayload()
        answer = await _write(
            info.context, input, payload, lambda limits: patching(input.metadata, input.delete_keys, limits)
        )
        payload.deleted_keys = answer.deleted_keys if answer else []
        return payload

    @strawberry.mutation(directives=SELF, description="Set exactly the given keys; all others are removed.")
    async def replace_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ReplacePlatformMetadataInput, _INPUT]
    ) -> ReplacePlatformMetadataPayload:
        payload = ReplacePlatformMetadataPayload()
        await _write(info.context, input, payload, lambda limits: replacing(input.metadata, limits))
        return payload

    @strawberry.mutation(
        directives=SELF,
        description="Permanently delete every key, from history too. The revision goes on counting.",
    )
    async def clear_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ClearPlatformMetadataInput, _INPUT]
    ) -> ClearPlatformMetadataPayload:
        payload = ClearPlatformMetadataPayload()
        await _write(info.context, input, payload, lambda _: CLEARING)
        return payload

    @strawberry.mutation(
        directives=SELF, description="Remove entries, then create or change entries, all of them or none."
    )
    async def set_user_metadata(
        self, info: Info[Context, None], input: Annotated[SetUserMetadataInput, _INPUT]
    ) -> SetUserMetadataPayload:
        payload = SetUserMetadataPayload()
        entries = [given(entry) for entry in input.entries]
        answer = await _write(
            info.context, input, payload, lambda limits: setting(entries, input.delete_keys, limits)
        )
        if answer is not None and payload.platform_metadata is not None:
            keys = [entry["metadata_key"] for entry in entries]
            payload.entries = _entries(
                info.context, payload.platform_metadata.row.access, answer.document, keys
            )
            payload.deleted_keys = answer.deleted_keys
        return payload


async def _write(
    context: Context, input: DocumentInput, payload: DocumentPayload, change: Callable[[Limits], Change]
) -> Answer | None:
    """Do the write and fill in the payload; None where the write was refused."""
    access = await context.access(input.platform_key, input.username)
    expected = input.expected_revision
    precondition = any_revision if expected is None else exactly_revision(expected)
    try:
        once = None
        if input.idempotency_key is not None:
            once = idempotency.once(input.idempotency_key, type(input).__name__, given(input))
        answer = await context.write(access, change(context.services.rules.limits), precondition, once)
    except Rejected as error:
        payload.user_errors = [_problem(context, access, error)]
        return None
    payload.platform_metadata = PlatformMetadata(row=context.opened(access, answer.document))
    return answer


def _problem(context: Context, access: DocumentAccess, error: Rejected) -> UserError:
    """What to mend; in a conflict, with what the caller may see of the entries they named."""
    if isinstance(error, Conflict):
        return RevisionConflict.of(error, _entries(context, access, error.document, error.keys))
    return user_error(error)


def _entries(
    context: Context, access: DocumentAccess, document: Document, keys: Sequence[str]
) -> list[UserMetadata]:
    """These entries, as far as the caller sees them; those not valid yet, too."""
    rules, now = context.services.rules, context.services.clock()
    shown = views.entries(access, document, rules.keys, now, inactive=True)
    return [UserMetadata(row=row) for row in shown if row.metadata_key in set(keys)]
