"""The mutations of one document: find it, write it, return the document or the errors."""

from collections.abc import Callable
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.changes import CLEAR, Change, replace
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
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
from gql_service.schema.mutations.payloads import (
    DELETED_KEYS,
    REPLAYED,
    to_platform_metadata,
    to_user_error,
    visible_entries,
)
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import UserError
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="The result of a write of a document.")
class DocumentPayload:
    platform_metadata: PlatformMetadata | None = strawberry.field(
        default=None, description="The document after the write. Null if the write was rejected."
    )
    replayed: bool = strawberry.field(default=False, description=REPLAYED)
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Errors that the caller can fix. Empty on success."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `patchPlatformMetadata`.")
class PatchPlatformMetadataPayload(DocumentPayload):
    deleted_keys: list[str] = strawberry.field(default_factory=list, description=DELETED_KEYS)


@strawberry.type(directives=AUTHENTICATED, description="The result of `replacePlatformMetadata`.")
class ReplacePlatformMetadataPayload(DocumentPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `clearPlatformMetadata`.")
class ClearPlatformMetadataPayload(DocumentPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `setUserMetadata`.")
class SetUserMetadataPayload(DocumentPayload):
    entries: list[UserMetadata] = strawberry.field(
        default_factory=list,
        description="The entries that were set, except those that the viewer cannot see.",
    )
    deleted_keys: list[str] = strawberry.field(default_factory=list, description=DELETED_KEYS)


@strawberry.type(directives=AUTHENTICATED, description="The result of `restorePlatformMetadata`.")
class RestorePlatformMetadataPayload(DocumentPayload):
    skipped_keys: list[str] = strawberry.field(
        default_factory=list,
        description="The keys that are unchanged because history does not have their values: encrypted or "
        "cleared entries.",
    )


_INPUT = strawberry.argument(description="The input of the mutation.")


@strawberry.type
class DocumentMutation:
    @strawberry.mutation(
        directives=SELF,
        description="Change keys of a document: delete `deleteKeys`, then set `metadata`, then apply "
        "`operations`. Either all changes are written or none. Other keys are unchanged.",
    )
    async def patch_platform_metadata(
        self, info: Info[Context, None], input: Annotated[PatchPlatformMetadataInput, _INPUT]
    ) -> PatchPlatformMetadataPayload:
        payload = PatchPlatformMetadataPayload()
        result = await _write(info.context, input, payload, input.change)
        payload.deleted_keys = list(result.deleted_keys) if result else []
        return payload

    @strawberry.mutation(
        directives=SELF,
        description="Replace the content of a document: set the keys in `metadata` and delete all others. "
        "Users who are not admins keep the entries that they cannot see or edit.",
    )
    async def replace_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ReplacePlatformMetadataInput, _INPUT]
    ) -> ReplacePlatformMetadataPayload:
        payload = ReplacePlatformMetadataPayload()
        await _write(info.context, input, payload, lambda limits: replace(input.metadata, limits))
        return payload

    @strawberry.mutation(
        directives=SELF,
        description="Permanently delete all keys of a document and their history. The revision keeps "
        "increasing. Users who are not admins keep the entries that they cannot see or edit.",
    )
    async def clear_platform_metadata(
        self, info: Info[Context, None], input: Annotated[ClearPlatformMetadataInput, _INPUT]
    ) -> ClearPlatformMetadataPayload:
        payload = ClearPlatformMetadataPayload()
        await _write(info.context, input, payload, lambda _: CLEAR)
        return payload

    @strawberry.mutation(
        directives=SELF,
        description="Change entries of a document: delete `deleteKeys`, then create or update `entries`. "
        "Either all changes are written or none. Other entries are unchanged.",
    )
    async def set_user_metadata(
        self, info: Info[Context, None], input: Annotated[SetUserMetadataInput, _INPUT]
    ) -> SetUserMetadataPayload:
        payload = SetUserMetadataPayload()
        entries = [provided(entry) for entry in input.entries]
        result = await _write(
            info.context, input, payload, lambda limits: set_entries(entries, input.delete_keys, limits)
        )
        if result is not None and payload.platform_metadata is not None:
            keys = [entry["metadata_key"] for entry in entries]
            payload.entries = visible_entries(
                info.context, payload.platform_metadata.row.access, result.document, keys
            )
            payload.deleted_keys = list(result.deleted_keys)
        return payload

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Restore the content that a document had at an earlier revision. This is a new write "
        "with a new revision.",
    )
    async def restore_platform_metadata(
        self, info: Info[Context, None], input: Annotated[RestorePlatformMetadataInput, _INPUT]
    ) -> RestorePlatformMetadataPayload:
        access = await info.context.access(input.platform_key, input.username)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can restore metadata", access.user_id)
        payload = RestorePlatformMetadataPayload()
        result = await _write(info.context, input, payload, lambda _: restore_revision(input.revision))
        payload.skipped_keys = list(result.skipped_keys) if result else []
        return payload


async def _write(
    context: Context, input: DocumentInput, payload: DocumentPayload, change: Callable[[Limits], Change]
) -> WriteResult | None:
    """Write the document and complete the payload; None if the write was rejected."""
    access = await context.access(input.platform_key, input.username)
    try:
        idempotency_key = _idempotency_key(input)
        limits = context.services.write_settings.limits
        expected = input.expected(limits)
        result = await context.write(access, change(limits), input.precondition, idempotency_key, expected)
    except Rejected as error:
        payload.user_errors = [to_user_error(context, access, error)]
        return None
    payload.platform_metadata = to_platform_metadata(context, access, result)
    payload.replayed = result.replayed
    return result


def _idempotency_key(input: DocumentInput) -> IdempotencyKey | None:
    """The key with a digest of the request. Raises Rejected."""
    if input.idempotency_key is None:
        return None
    return idempotency.parse_key(input.idempotency_key, type(input).__name__, provided(input))
