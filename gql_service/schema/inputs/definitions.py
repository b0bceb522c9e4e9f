"""The inputs of writes of definitions."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql_service.domain.definitions.value_rules import MAX_CHOICES, MAX_INDEXED_PATHS
from gql_service.schema.enums import MetadataMode, ValueType
from gql_service.schema.list_limits import max_items
from gql_service.schema.scalars import JSON

_PLATFORM = "The platform key."
_FORCE = (
    "If true, the change is made even if existing documents violate it. Those documents stay unchanged until "
    "those values are next written."
)


def _optional(description: str, metadata: Mapping[str, int] | None = None) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description, metadata=metadata)


@strawberry.input(
    description="The definition of a metadata key. It replaces an existing definition of the key as a whole: "
    "fields that are left out or null are unset."
)
class DefineMetadataInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    key: str = strawberry.field(description="The key to define.")
    value_type: ValueType = strawberry.field(description="The type of the values.")
    minimum: JSON | None = _optional(
        "The smallest allowed number, or the earliest allowed date as a string. For the types `number` and "
        "`date`."
    )
    maximum: JSON | None = _optional(
        "The largest allowed number, or the latest allowed date as a string. For the types `number` and "
        "`date`."
    )
    min_length: int | None = _optional(
        "The minimum number of characters for the type `string`, or of bytes for the type `binary`."
    )
    max_length: int | None = _optional(
        "The maximum number of characters for the type `string`, or of bytes for the type `binary`."
    )
    pattern: str | None = _optional(
        "A regular expression that must match somewhere in the value; anchor it with `^` and `$`. At most "
        "2,000 characters, without look-around and backreferences. For the type `string`."
    )
    choices: list[JSON] | None = _optional(
        f"The only allowed values, 1 to {MAX_CHOICES}.", max_items(MAX_CHOICES)
    )
    schema: JSON | None = _optional(
        "A JSON Schema (draft 2020-12) that the values must satisfy, at most 16 KiB. It may refer only to "
        "its own parts, and `format` is not checked."
    )
    indexed_paths: list[str] | None = _optional(
        f"JSON Pointers (RFC 6901) to the parts of values by which users can be searched, 1 to "
        f"{MAX_INDEXED_PATHS}, such as `/plan/tier`. They are indexed in all entries that are not encrypted, "
        "whatever their `isIndexed`. For the type `json`.",
        max_items(MAX_INDEXED_PATHS),
    )
    is_encrypted: bool | None = _optional("The default of `isEncrypted` for new entries.")
    is_indexed: bool | None = _optional("The default of `isIndexed` for new entries.")
    is_public: bool | None = _optional("The default of `isPublic` for new entries.")
    is_editable: bool | None = _optional(
        "The default of `isEditable` for new entries. If false, users cannot create the entry themselves."
    )
    category: str | None = _optional("The default of `category` for new entries, at most 100 characters.")
    description: str | None = _optional(
        "The default of `description` for new entries, at most 500 characters."
    )
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.input(description="The definition to remove.")
class RemoveMetadataDefinitionInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    key: str = strawberry.field(description="The defined key. A key that is not defined is ignored.")


@strawberry.input(description="The new metadata mode of a platform.")
class SetMetadataModeInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    mode: MetadataMode = strawberry.field(description="Which keys documents may have.")
    force: bool = strawberry.field(default=False, description=_FORCE)
