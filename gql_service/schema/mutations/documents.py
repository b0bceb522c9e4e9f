"""Writes of one document: open the document, write it, tell what was written or what to mend."""

from collections.abc import Callable
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.changes import CLEAR, Change, replace
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.restore import restore_revision
from gql_service.domain.writes.set_entries import set_entries
from gql_service.errors import Forbidden, Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, SELF, TENANT_ADMIN
from gql_service.schema.inputs.documents import (
    ClearPlatformMetadataInput,
    DocumentInput,
    ReplacePlatformMetadataInput,
    RestorePlatformMetadataInput,
    SetUserMetadataInput,
    provided,
)
from gql_service.schema.inputs.patches import PatchPlatformMetadataInput
from gql_service.schema.mutations.payloads import REPLAYED, document_of, entries_of, problem
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import UserError
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="What every write of a document answers.")
class DocumentPayload:
    platform_metadata: PlatformMetadata | None = strawberry.field(
        default=None, description="The document after the write; null where the write was refused."
    )
    replayed: bool = strawberry.field(default=False, description=REPLAYED)
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


@strawberry.type(directives=AUTHENTICATED, description="The result of restoring.")
class RestorePlatformMetadataPayload(DocumentPayload):
    skipped_keys: list[str] = strawberry.field(
        default_factory=list,
        description="Keys left as they are, because history does not know what they were: encrypted or "
        "cleared ones.",
    )


_INPUT = strawberry.argument(description="What to write where.")


@strawberry.type
class DocumentMutation:
    @strawberry.mutation(
        directives=SELF,
        description="Remove keys, set or merge keys, then do operations; all other keys stay as they are.",
    )
    async def patch_platform_metadata(
        self, info: Info[Context, None], input: Annotated[PatchPlatformMetadataInput, _INPUT]
    ) -> PatchPlatformMetadataPayload:
        payload = PatchPlatformMetadataPayload()
        answer = await _write(info.context, input, payload, input.change)
        payload.deleted_keys = list(answer.deleted_keys) if answer else []
        return payload

    @strawberry.mutation(directives=SELF, description="Set exactly the given keys; all others are removed.")
    async def replace_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ReplacePlatformMetadataInput, _INPUT]
    ) -> ReplacePlatformMetadataPayload:
        payload = ReplacePlatformMetadataPayload()
        await _write(info.context, input, payload, lambda limits: replace(input.metadata, limits))
        return payload

    @strawberry.mutation(
        directives=SELF,
        description="Permanently delete every key, from history too. The revision goes on counting.",
    )
    async def clear_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ClearPlatformMetadataInput, _INPUT]
    ) -> ClearPlatformMetadataPayload:
        payload = ClearPlatformMetadataPayload()
        await _write(info.context, input, payload, lambda _: CLEAR)
        return payload

    @strawberry.mutation(
        directives=SELF, description="Remove entries, then create or change entries, all of them or none."
    )
    async def set_user_metadata(
        self, info: Info[Context, None], input: Annotated[SetUserMetadataInput, _INPUT]
    ) -> SetUserMetadataPayload:
        payload = SetUserMetadataPayload()
        entries = [provided(entry) for entry in input.entries]
        answer = await _write(
            info.context, input, payload, lambda limits: set_entries(entries, input.delete_keys, limits)
        )
        if answer is not None and payload.platform_metadata is not None:
            keys = [entry["metadata_key"] for entry in entries]
            payload.entries = entries_of(
                info.context, payload.platform_metadata.row.access, answer.document, keys
            )
            payload.deleted_keys = list(answer.deleted_keys)
        return payload

    @strawberry.mutation(
        directives=TENANT_ADMIN, description="Make the content what it was after a revision, by a new one."
    )
    async def restore_platform_metadata(
        self, info: Info[Context, None], input: Annotated[RestorePlatformMetadataInput, _INPUT]
    ) -> RestorePlatformMetadataPayload:
        access = await info.context.access(input.platform_key, input.username)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can restore metadata")
        payload = RestorePlatformMetadataPayload()
        answer = await _write(info.context, input, payload, lambda _: restore_revision(input.revision))
        payload.skipped_keys = list(answer.skipped_keys) if answer else []
        return payload


async def _write(
    context: Context, input: DocumentInput, payload: DocumentPayload, change: Callable[[Limits], Change]
) -> WriteResult | None:
    """Do the write and fill in the payload; None where the write was refused."""
    access = await context.access(input.platform_key, input.username)
    try:
        idempotency_key = None
        if input.idempotency_key is not None:
            idempotency_key = idempotency.parse_key(
                input.idempotency_key, type(input).__name__, provided(input)
            )
        limits = context.services.rules.limits
        expected = input.expected(limits)
        answer = await context.write(access, change(limits), input.precondition, idempotency_key, expected)
    except Rejected as error:
        payload.user_errors = [problem(context, access, error)]
        return None
    payload.platform_metadata = document_of(context, access, answer)
    payload.replayed = answer.replayed
    return answer
