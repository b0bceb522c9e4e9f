"""Patching the documents of many users at once."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.access import DocumentAccess
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.bulk import OnError, at_patch, check_usernames, write_each
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
from gql_service.domain.writes.unit_of_work import Write
from gql_service.errors import Problem, Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.inputs.documents import provided
from gql_service.schema.inputs.patches import BulkPatchPlatformMetadataInput, UserPatchInput
from gql_service.schema.mutations.payloads import REPLAYED, document_of, problem
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.services.context import Context


@strawberry.type(directives=AUTHENTICATED, description="What became of the patch of one user.")
class BulkPatchResult:
    username: str = strawberry.field(description="The username that was given.")
    platform_metadata: PlatformMetadata | None = strawberry.field(
        default=None, description="The document after the write; null where nothing was written."
    )
    deleted_keys: list[str] = strawberry.field(
        default_factory=list, description="The keys that existed, were to be removed, and are gone."
    )
    replayed: bool = strawberry.field(default=False, description=REPLAYED)
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend in this patch."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of patching many users.")
class BulkPatchPlatformMetadataPayload:
    results: list[BulkPatchResult] = strawberry.field(
        default_factory=list, description="One for each patch, in their order."
    )
    written: int = strawberry.field(default=0, description="How many patches were done.")
    failed: int = strawberry.field(default=0, description="How many patches were refused themselves.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend in the list as a whole; then nothing was tried."
    )


@strawberry.type
class BulkMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Patch the metadata of up to 100 users of a platform in one transaction.",
    )
    async def bulk_patch_platform_metadata(
        self,
        info: Info[Context, None],
        input: Annotated[BulkPatchPlatformMetadataInput, strawberry.argument(description="Whom to patch.")],
    ) -> BulkPatchPlatformMetadataPayload:
        _, platform = await info.context.platform_access(input.platform_key)
        usernames = [patch.username for patch in input.patches]
        try:
            check_usernames(usernames)
            idempotency_key = _once(input)
        except Rejected as error:
            return BulkPatchPlatformMetadataPayload(user_errors=[user_error(error)])
        accesses = await info.context.documents_named(platform, usernames)
        return _payload(
            info.context, input, accesses, await _write(info.context, input, accesses, idempotency_key)
        )


def _once(input: BulkPatchPlatformMetadataInput) -> IdempotencyKey | None:
    """What tells this request from others; a dry run of it is the same one. Raises Rejected."""
    if input.idempotency_key is None:
        return None
    asked = {name: value for name, value in provided(input).items() if name != "dry_run"}
    return idempotency.parse_key(input.idempotency_key, type(input).__name__, asked)


async def _write(
    context: Context,
    input: BulkPatchPlatformMetadataInput,
    accesses: Sequence[DocumentAccess | None],
    idempotency_key: IdempotencyKey | None,
) -> list[WriteResult | Rejected]:
    """What became, or would become, of each patch."""
    planned = [
        _planned(context, patch, access, idempotency_key)
        for patch, access in zip(input.patches, accesses, strict=True)
    ]
    return await context.write_with(
        lambda transaction, now: write_each(
            transaction,
            planned,
            on_error=input.on_error,
            dry_run=input.dry_run,
            write_settings=context.services.rules,
            now=now,
        )
    )


def _planned(
    context: Context,
    patch: UserPatchInput,
    access: DocumentAccess | None,
    idempotency_key: IdempotencyKey | None,
) -> Write | Rejected:
    """The write of one patch, or why there can be none."""
    if access is None:
        message = f"The platform has no user {patch.username[:80]!r}."
        return Rejected(Problem.UNKNOWN_USER, message, ("username",))
    limits = context.services.rules.limits
    try:
        expected, change = patch.expected(limits), patch.change(limits)
    except Rejected as refusal:
        return refusal
    return Write(access, change, patch.precondition, context.source, idempotency_key, expected)


def _payload(
    context: Context,
    input: BulkPatchPlatformMetadataInput,
    accesses: Sequence[DocumentAccess | None],
    outcomes: Sequence[WriteResult | Rejected],
) -> BulkPatchPlatformMetadataPayload:
    failed = sum(isinstance(outcome, Rejected) for outcome in outcomes)
    none_written = failed > 0 and input.on_error is OnError.REJECT_ALL
    payload = BulkPatchPlatformMetadataPayload(failed=failed)
    for index, (patch, access, outcome) in enumerate(zip(input.patches, accesses, outcomes, strict=True)):
        result = BulkPatchResult(username=patch.username)
        payload.results.append(result)
        if isinstance(outcome, Rejected):
            refusal = at_patch(outcome, index)
            result.user_errors = [problem(context, access, refusal) if access else user_error(refusal)]
        elif access is not None and not none_written:
            payload.written += 1
            result.platform_metadata = document_of(context, access, outcome)
            result.deleted_keys = list(outcome.deleted_keys)
            result.replayed = outcome.replayed
    return payload
