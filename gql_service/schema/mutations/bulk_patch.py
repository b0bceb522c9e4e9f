"""`bulkPatchPlatformMetadata`: patches of the documents of many users in one transaction."""

from collections.abc import Awaitable, Sequence
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.access import DocumentAccess
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.bulk import OnError, at_patch, check_usernames, unknown_user, write_each
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
from gql_service.domain.writes.unit_of_work import Write
from gql_service.errors import Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.inputs.documents import provided
from gql_service.schema.inputs.patches import BulkPatchPlatformMetadataInput, UserPatchInput
from gql_service.schema.mutations.payloads import DELETED_KEYS, REPLAYED, to_platform_metadata, to_user_error
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.services.context import Context
from gql_service.store.connection import Connection


@strawberry.type(directives=AUTHENTICATED, description="The result of the patch of one user.")
class BulkPatchResult:
    username: str = strawberry.field(description="The username in the patch.")
    platform_metadata: PlatformMetadata | None = strawberry.field(
        default=None, description="The document after the patch. Null if the patch was not written."
    )
    deleted_keys: list[str] = strawberry.field(default_factory=list, description=DELETED_KEYS)
    replayed: bool = strawberry.field(default=False, description=REPLAYED)
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Errors in this patch. Empty on success."
    )


@strawberry.type(
    directives=AUTHENTICATED,
    description="The result of `bulkPatchPlatformMetadata`. With `dryRun`, the result that the patches "
    "would have.",
)
class BulkPatchPlatformMetadataPayload:
    results: list[BulkPatchResult] = strawberry.field(
        default_factory=list, description="One result for each patch, in the order of `patches`."
    )
    written: int = strawberry.field(default=0, description="The number of patches that were written.")
    failed: int = strawberry.field(
        default=0, description="The number of patches that were rejected because of their own errors."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="Errors in the request as a whole. If there are any, no patch was tried.",
    )


@strawberry.type
class BulkMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Patch the documents of up to 100 users of a platform in one transaction.",
    )
    async def bulk_patch_platform_metadata(
        self,
        info: Info[Context, None],
        input: Annotated[
            BulkPatchPlatformMetadataInput, strawberry.argument(description="The input of the mutation.")
        ],
    ) -> BulkPatchPlatformMetadataPayload:
        _, platform = await info.context.platform_access(input.platform_key)
        usernames = [patch.username for patch in input.patches]
        try:
            check_usernames(usernames)
            idempotency_key = _idempotency_key(input)
        except Rejected as error:
            return BulkPatchPlatformMetadataPayload(user_errors=[user_error(error)])
        accesses = await info.context.documents_named(platform, usernames)
        outcomes = await _write_patches(info.context, input, accesses, idempotency_key)
        return _build_payload(info.context, input, accesses, outcomes)


def _idempotency_key(input: BulkPatchPlatformMetadataInput) -> IdempotencyKey | None:
    """The key with a digest of the request. A dry run has the same digest. Raises Rejected."""
    if input.idempotency_key is None:
        return None
    request = {name: value for name, value in provided(input).items() if name != "dry_run"}
    return idempotency.parse_key(input.idempotency_key, type(input).__name__, request)


async def _write_patches(
    context: Context,
    input: BulkPatchPlatformMetadataInput,
    accesses: Sequence[DocumentAccess | None],
    idempotency_key: IdempotencyKey | None,
) -> list[WriteResult | Rejected]:
    """Write the patches; the result or the error of each."""
    writes = [
        _build_write(context, input.platform_key, patch, access, idempotency_key)
        for patch, access in zip(input.patches, accesses, strict=True)
    ]
    rest = context.write_budget.rest

    def write(transaction: Connection, now: int) -> Awaitable[list[WriteResult | Rejected]]:
        context.write_budget.rest = rest  # a lost race costs nothing
        return write_each(
            transaction,
            writes,
            on_error=input.on_error,
            dry_run=input.dry_run,
            write_settings=context.services.write_settings,
            now=now,
        )

    results = await context.write_with(write)
    is_refused = input.on_error is OnError.REJECT_ALL and any(isinstance(each, Rejected) for each in results)
    if not (input.dry_run or is_refused):
        context.services.write_counts.add(results)
    return results


def _build_write(
    context: Context,
    platform_key: str,
    patch: UserPatchInput,
    access: DocumentAccess | None,
    idempotency_key: IdempotencyKey | None,
) -> Write | Rejected:
    """The write of one patch, or the error for which it is rejected."""
    if access is None:
        unknown = unknown_user(patch.username)
        context.log_refusal(unknown, platform_key)
        return unknown
    limits = context.services.write_settings.limits
    try:
        expected, change = patch.expected(limits), patch.change(limits)
    except Rejected as refusal:
        return refusal
    budget = context.write_budget
    return Write(access, change, patch.precondition, context.source, idempotency_key, expected, budget)


def _build_payload(
    context: Context,
    input: BulkPatchPlatformMetadataInput,
    accesses: Sequence[DocumentAccess | None],
    outcomes: Sequence[WriteResult | Rejected],
) -> BulkPatchPlatformMetadataPayload:
    failed = sum(isinstance(outcome, Rejected) for outcome in outcomes)
    none_written = failed > 0 and input.on_error is OnError.REJECT_ALL
    payload = BulkPatchPlatformMetadataPayload(failed=failed)
    for index, (patch, access, outcome) in enumerate(zip(input.patches, accesses, outcomes, strict=True)):
        result = BulkPatchResult(username=access.username if access else patch.username)
        payload.results.append(result)
        if isinstance(outcome, Rejected):
            refusal = at_patch(outcome, index)
            result.user_errors = [to_user_error(context, access, refusal) if access else user_error(refusal)]
        elif access is not None and not none_written:
            payload.written += 1
            result.platform_metadata = to_platform_metadata(context, access, outcome)
            result.deleted_keys = list(outcome.deleted_keys)
            result.replayed = outcome.replayed
    return payload
