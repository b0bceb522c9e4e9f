"""The inputs of writes of definitions."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql_service.domain.definitions.assignment import MAX_NAME_LENGTH, MAX_SALT_LENGTH, MAX_VARIANTS
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


@strawberry.input(description="A variant of a key: the value that a share of the users gets.")
class VariantInput:
    name: str = strawberry.field(
        description=f"The name, which is unique among the variants of the key, 1 to {MAX_NAME_LENGTH} "
        "characters."
    )
    value: JSON = strawberry.field(description="The value. It must satisfy the definition.")
    weight: int = strawberry.field(
        description="The share of the users, in 1/100,000. All weights of a key add up to at most 100,000; "
        "the remaining users get the default."
    )


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
    default: JSON | None = _optional(
        "The value of users who have none of their own, and who are in no variant. It must satisfy the "
        "definition."
    )
    enabled: bool | None = _optional(
        "If false, everybody gets the default, whatever their own values are. Default: true."
    )
    variants: list[VariantInput] | None = _optional(
        f"Values that shares of the users get instead of the default, at most {MAX_VARIANTS}. A variant "
        "keeps its users when its weight is raised, and loses those who came last when it is lowered.",
        max_items(MAX_VARIANTS),
    )
    salt: str | None = _optional(
        f"Another salt shuffles the users of all variants. At most {MAX_SALT_LENGTH} characters."
    )
    user_wide_fallback: bool | None = _optional(
        "If true, users without a value on the platform get that of their user-wide document, if the "
        "platform belongs to their home tenant and the value satisfies the definition. Where users may not "
        "edit the key, only values that an admin has made read-only count. Default: false."
    )
    client_visible: bool | None = _optional(
        "If false, only tenant admins and tokens with the scope `EVALUATE` of admins can evaluate the key. "
        "Default: true."
    )
    title: str | None = _optional("What a settings page calls the key, at most 100 characters.")
    section: str | None = _optional("The section of a settings page, at most 100 characters.")
    position: int | None = _optional("The position of the key in its section; small numbers are first.")
    force: bool = strawberry.field(default=False, description=_FORCE)
    dry_run: bool = strawberry.field(
        default=False,
        description="If true, the definition and the documents are checked, but nothing is written.",
    )


@strawberry.input(description="The definition to remove.")
class RemoveMetadataDefinitionInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    key: str = strawberry.field(description="The defined key. A key that is not defined is ignored.")


@strawberry.input(description="The new metadata mode of a platform.")
class SetMetadataModeInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    mode: MetadataMode = strawberry.field(description="Which keys documents may have.")
    force: bool = strawberry.field(default=False, description=_FORCE)
