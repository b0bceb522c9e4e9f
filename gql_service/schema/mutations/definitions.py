"""The mutations of metadata definitions."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.access import PlatformAccess
from gql_service.domain.definitions.define import (
    NonconformingData,
    check_input,
    define,
    remove_definition,
    set_mode,
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


@strawberry.type(directives=AUTHENTICATED, description="The result of `defineMetadata`.")
class DefineMetadataPayload:
    definition: MetadataDefinition | None = strawberry.field(
        default=None, description="The definition after the write. Null if the write was rejected."
    )
    broken_documents: int = strawberry.field(default=0, description=_BROKEN.format("definition") + _UNCHECKED)
    user_errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


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
            row, broken = await _define(info.context, access, input)
        except Rejected as error:
            return DefineMetadataPayload(
                user_errors=[user_error(error)], broken_documents=_broken_documents(error)
            )
        return DefineMetadataPayload(definition=MetadataDefinition(row=row), broken_documents=broken)

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
                user_errors=[user_error(error)], broken_documents=_broken_documents(error)
            )
        row = platform.in_mode(input.mode)
        return SetMetadataModePayload(platform=Platform(row=row), broken_documents=broken)


async def _define(
    context: Context, access: PlatformAccess, input: DefineMetadataInput
) -> tuple[StoredDefinition, int]:
    """Define a key; the definition, and the number of documents that violate it. Raises Rejected."""
    settings = context.services.write_settings
    seconds = _check_seconds(context)
    definition = check_input(provided(input), settings.limits)
    return await context.write_with(
        lambda connection, now: define(
            connection, access, definition, force=input.force, keys=settings.keys, now=now, seconds=seconds
        )
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


def _broken_documents(error: Rejected) -> int:
    return error.documents if isinstance(error, NonconformingData) else 0
