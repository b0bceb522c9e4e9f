"""The inputs of writes about what metadata may be."""

from typing import Any

import strawberry

from gql_service.schema.enums import MetadataMode, ValueType
from gql_service.schema.scalars import JSON

_PLATFORM = "The platform's key."
_FORCE = (
    "Whether to go ahead where documents break it: they stay as they are until their values are next written."
)


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(
    description="What the values of a key are to be, instead of what was defined before. What is left out is "
    "not asked for, and of new entries not said."
)
class DefineMetadataInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    key: str = strawberry.field(description="The key.")
    value_type: ValueType = strawberry.field(description="The type of the values.")
    minimum: JSON | None = _optional("The least number, or the first date, as text.")
    maximum: JSON | None = _optional("The greatest number, or the last date, as text.")
    min_length: int | None = _optional("The fewest characters of a text, or bytes of binary data.")
    max_length: int | None = _optional("The most characters of a text, or bytes of binary data.")
    pattern: str | None = _optional(
        "A regular expression to be found in every text; `^` and `$` stand for its ends. There is no "
        "look-around, and there are no backreferences."
    )
    choices: list[JSON] | None = _optional("The only values there may be.")
    schema: JSON | None = _optional(
        "A JSON Schema of draft 2020-12 that every value satisfies, up to 16 KiB. It refers to its own parts "
        "alone; `format` only describes."
    )
    is_encrypted: bool | None = _optional("Whether new values are encrypted, unless a write says.")
    is_indexed: bool | None = _optional("Whether users may be searched by new values, unless a write says.")
    is_public: bool | None = _optional("Whether users may see new entries, unless a write says.")
    is_editable: bool | None = _optional(
        "Whether users may change new entries, unless a write says. If not, they cannot create one either."
    )
    category: str | None = _optional("What new entries are grouped by, up to 100 characters.")
    description: str | None = _optional("What the entries are for, up to 500 characters.")
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.input(description="Which key is to be defined no more.")
class RemoveMetadataDefinitionInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    key: str = strawberry.field(description="The key. One that is not defined is no error.")


@strawberry.input(description="Which keys the documents of a platform may have from now on.")
class SetMetadataModeInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    mode: MetadataMode = strawberry.field(description="Any keys, or defined ones only.")
    force: bool = strawberry.field(default=False, description=_FORCE)
