"""The mutations of metadata definitions."""

from typing import Annotated, Any

import strawberry
from strawberry import Info

from gql_service.auth.access import PlatformAccess
from gql_service.domain.definitions.conformance import BrokenDocument as BrokenDocumentRow
from gql_service.domain.definitions.conformance import ConformanceReport
from gql_service.domain.definitions.define import (
    NonconformingData,
    check_input,
    define,
    remove_definition,
    set_mode,
    try_definition,
)
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.errors import Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.inputs.definitions import (
    DefineMetadataInput,
    RemoveMetadataDefinitionInput,
    SetMetadataModeInput,
)
from gql_service.schema.inputs.documents import provided
from gql_service.schema.row_fields import column
from gql_service.schema.types.metadata_definition import MetadataDefinition
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.user_error import UserError, user_error
from gql_service.services.context import Context

_INPUT = strawberry.argument(description="The input of the mutation.")
_BROKEN = "The number of documents that violate the {}, whether or not the write was rejected."
_UNCHECKED = (
    " 0 where neither the type nor the rules have changed, but other parts: documents are not checked then."
)
_ERRORS = "Errors that the caller can fix. Empty on success."


@strawberry.type(directives=AUTHENTICATED, description="A document that violates a definition.")
class BrokenDocument:
    row: strawberry.Private[BrokenDocumentRow]
    username: str = column("The username of the owner.")
    violation: str = column("What is wrong with it.")


@strawberry.type(
    directives=AUTHENTICATED,
    description="The result of `defineMetadata`. With `dryRun`, the result that the mutation would have.",
)
class DefineMetadataPayload:
    definition: MetadataDefinition | None = strawberry.field(
        default=None, description="The definition after the write. Null if the write was rejected."
    )
    broken_documents: int = strawberry.field(default=0, description=_BROKEN.format("definition") + _UNCHECKED)
    checked_documents: int = strawberry.field(
        default=0, description="The number of documents that have the key." + _UNCHECKED
    )
    examples: list[BrokenDocument] = strawberry.field(
        default_factory=list, description="A few of the documents that violate the definition."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)

    @staticmethod
    def of(
        report: ConformanceReport, row: StoredDefinition | None = None, error: Rejected | None = None
    ) -> "DefineMetadataPayload":
        return DefineMetadataPayload(
            definition=None if row is None else MetadataDefinition(row=row),
            broken_documents=report.broken,
            checked_documents=report.checked,
            examples=[BrokenDocument(row=each) for each in report.examples],
            user_errors=[] if error is None else [user_error(error)],
        )


@strawberry.type(directives=AUTHENTICATED, description="The result of `removeMetadataDefinition`.")
class RemoveMetadataDefinitionPayload:
    removed: bool = strawberry.field(description="Whether there was a definition to remove.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Currently always empty."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `setMetadataMode`.")
class SetMetadataModePayload:
    platform: Platform | None = strawberry.field(
        default=None, description="The platform after the write. Null if the write was rejected."
    )
    broken_documents: int = strawberry.field(default=0, description=_BROKEN.format("mode"))
    user_errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type
class DefinitionMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Define a metadata key of a platform: type and rules of its values, defaults for new "
        "entries, and the values of users who have none of their own. "
        "Rejected if existing documents violate the definition, unless `force` is true.",
    )
    async def define_metadata(
        self, info: Info[Context, None], input: Annotated[DefineMetadataInput, _INPUT]
    ) -> DefineMetadataPayload:
        access, _ = await info.context.platform_access(input.platform_key)
        try:
            row, report = await _define(info.context, access, input)
        except Rejected as error:
            return DefineMetadataPayload.of(_report(error), error=error)
        return DefineMetadataPayload.of(report, row)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Remove the definition of a metadata key. Existing entries are unchanged.",
    )
    async def remove_metadata_definition(
        self, info: Info[Context, None], input: Annotated[RemoveMetadataDefinitionInput, _INPUT]
    ) -> RemoveMetadataDefinitionPayload:
        access, _ = await info.context.platform_access(input.platform_key)
        removed = await info.context.write_with(
            lambda connection, now: remove_definition(connection, access, input.key, now=now)
        )
        return RemoveMetadataDefinitionPayload(removed=removed)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Set whether documents of a platform may have keys that are not defined. `STRICT` is "
        "rejected if existing documents have such keys, unless `force` is true.",
    )
    async def set_metadata_mode(
        self, info: Info[Context, None], input: Annotated[SetMetadataModeInput, _INPUT]
    ) -> SetMetadataModePayload:
        access, platform = await info.context.platform_access(input.platform_key)
        try:
            broken = await _set_mode(info.context, access, input)
        except Rejected as error:
            return SetMetadataModePayload(
                user_errors=[user_error(error)], broken_documents=_report(error).broken
            )
        row = platform.in_mode(input.mode)
        return SetMetadataModePayload(platform=Platform(row=row), broken_documents=broken)


async def _define(
    context: Context, access: PlatformAccess, input: DefineMetadataInput
) -> tuple[StoredDefinition, ConformanceReport]:
    """Define a key; the definition, and the documents that violate it. Raises Rejected."""
    services = context.services
    settings, seconds = services.write_settings, _check_seconds(context)
    definition = check_input(provided(input), settings.limits)
    arguments: dict[str, Any] = {"force": input.force, "keys": settings.keys, "seconds": seconds}
    if input.dry_run:
        async with services.database.read() as connection:
            return await try_definition(connection, access, definition, now=services.clock(), **arguments)
    return await context.write_with(
        lambda connection, now: define(connection, access, definition, now=now, **arguments)
    )


async def _set_mode(context: Context, access: PlatformAccess, input: SetMetadataModeInput) -> int:
    """Set the mode; the number of documents that violate it. Raises Rejected."""
    seconds = _check_seconds(context)
    return await context.write_with(
        lambda connection, now: set_mode(
            connection, access, input.mode, force=input.force, now=now, seconds=seconds
        )
    )


def _check_seconds(context: Context) -> float:
    """The time limit for reading all documents. Other writes wait for the lock meanwhile, so it is half of
    the time that they wait for any lock."""
    return context.services.settings.database_timeout / 2


def _report(error: Rejected) -> ConformanceReport:
    return error.report if isinstance(error, NonconformingData) else ConformanceReport(0, 0, [])
