"""The writes about what metadata may be."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain.definitions import define as defining
from gql_service.domain.definitions.define import NonconformingData
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
from gql_service.store.connection import Connection

_INPUT = strawberry.argument(description="What to define.")
_BROKEN = "How many documents break it, whether or not it was done."


@strawberry.type(directives=AUTHENTICATED, description="The result of defining a key.")
class DefineMetadataPayload:
    definition: MetadataDefinition | None = strawberry.field(
        default=None, description="The definition; null where it was refused."
    )
    broken_documents: int = strawberry.field(default=0, description=_BROKEN)
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend; empty where it was done."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of removing a definition.")
class RemoveMetadataDefinitionPayload:
    removed: bool = strawberry.field(description="Whether the key was defined.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Always empty so far.")


@strawberry.type(directives=AUTHENTICATED, description="The result of saying which keys there may be.")
class SetMetadataModePayload:
    platform: Platform | None = strawberry.field(
        default=None, description="The platform; null where it was refused."
    )
    broken_documents: int = strawberry.field(default=0, description=_BROKEN)
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What to mend; empty where it was done."
    )


@strawberry.type
class DefinitionMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Say what the values of a key are to be. Where documents break it, nothing is changed.",
    )
    async def define_metadata(
        self, info: Info[Context, None], input: Annotated[DefineMetadataInput, _INPUT]
    ) -> DefineMetadataPayload:
        access, _ = await info.context.platform_access(input.platform_key)
        rules = info.context.services.rules

        async def define(connection: Connection, now: int) -> DefineMetadataPayload:
            defined = defining.check_input(provided(input), rules.limits)
            row, broken = await defining.define(
                connection,
                access,
                defined,
                force=input.force,
                keys=rules.keys,
                now=now,
                seconds=_time(info),
            )
            return DefineMetadataPayload(definition=MetadataDefinition(row=row), broken_documents=broken)

        try:
            return await info.context.write_with(define)
        except Rejected as error:
            return DefineMetadataPayload(user_errors=[user_error(error)], broken_documents=_count(error))

    @strawberry.mutation(
        directives=TENANT_ADMIN, description="Let a key have any values again. Those there are stay."
    )
    async def remove_metadata_definition(
        self, info: Info[Context, None], input: Annotated[RemoveMetadataDefinitionInput, _INPUT]
    ) -> RemoveMetadataDefinitionPayload:
        access, _ = await info.context.platform_access(input.platform_key)
        removed = await info.context.write_with(
            lambda connection, _now: defining.remove_definition(connection, access, input.key)
        )
        return RemoveMetadataDefinitionPayload(removed=removed)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Say whether documents may have keys that are not defined. Where some have such keys, "
        "nothing is changed.",
    )
    async def set_metadata_mode(
        self, info: Info[Context, None], input: Annotated[SetMetadataModeInput, _INPUT]
    ) -> SetMetadataModePayload:
        access, platform = await info.context.platform_access(input.platform_key)
        try:
            broken = await info.context.write_with(
                lambda connection, now: defining.set_mode(
                    connection, access, input.mode, force=input.force, now=now, seconds=_time(info)
                )
            )
        except Rejected as error:
            return SetMetadataModePayload(user_errors=[user_error(error)], broken_documents=_count(error))
        row = platform.in_mode(input.mode)
        return SetMetadataModePayload(platform=Platform(row=row), broken_documents=broken)


def _time(info: Info[Context, None]) -> float:
    """Seconds for looking through documents: others wait for the lock meanwhile, as long as for any."""
    return info.context.services.settings.database_timeout / 2


def _count(error: Rejected) -> int:
    return error.documents if isinstance(error, NonconformingData) else 0
