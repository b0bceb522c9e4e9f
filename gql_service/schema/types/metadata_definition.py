"""`MetadataDefinition`: the type, the rules and the defaults of one metadata key of a platform."""

from typing import Any

import strawberry

from gql_service import strict_json
from gql_service.domain.definitions.assignment import Variant
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import ValueType
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime


@strawberry.type(
    directives=AUTHENTICATED, description="A variant of a key: the value that a share of the users gets."
)
class MetadataVariant:
    row: strawberry.Private[Variant]
    name: str = column("The name, which is unique among the variants of the key.")
    value: JSON = column("The value.")
    weight: int = column("The share of the users, in 1/100,000.")


@strawberry.type(
    directives=AUTHENTICATED,
    description="The definition of a metadata key of a platform: type and rules of its values, "
    "defaults for new entries, and the values of users who have none of their own.",
)
class MetadataDefinition:
    row: strawberry.Private[StoredDefinition]
    key: str = column("The defined key.")
    value_type: ValueType = column("The type of the values.")
    created_at: DateTime = column("When the key was first defined.")
    updated_at: DateTime = column("When the definition last changed.")

    @strawberry.field(
        description="The smallest allowed number or earliest allowed date. Null if there is none."
    )
    def minimum(self) -> JSON | None:
        return self._json("minimum")

    @strawberry.field(description="The largest allowed number or latest allowed date. Null if there is none.")
    def maximum(self) -> JSON | None:
        return self._json("maximum")

    @strawberry.field(
        description="The minimum number of characters for the type `string`, or of bytes for the type "
        "`binary`. Null if there is none."
    )
    def min_length(self) -> int | None:
        length: int | None = self._rule("minLength")
        return length

    @strawberry.field(
        description="The maximum number of characters for the type `string`, or of bytes for the type "
        "`binary`. Null if there is none."
    )
    def max_length(self) -> int | None:
        length: int | None = self._rule("maxLength")
        return length

    @strawberry.field(
        description="A regular expression that must match somewhere in each value. Null if there is none."
    )
    def pattern(self) -> str | None:
        pattern: str | None = self._rule("pattern")
        return pattern

    @strawberry.field(description="The only allowed values. Null if there is no such rule.")
    def choices(self) -> list[JSON] | None:
        choices = self._rule("choices")
        return None if choices is None else [JSON(strict_json.dumps(choice)) for choice in choices]

    @strawberry.field(
        description="A JSON Schema (draft 2020-12) that each value must satisfy. Null if there is none."
    )
    def schema(self) -> JSON | None:
        return self._json("schema")

    @strawberry.field(
        description="JSON Pointers to the parts of values by which users can be searched. Null if there "
        "are none."
    )
    def indexed_paths(self) -> list[str] | None:
        paths: list[str] | None = self._rule("indexedPaths")
        return paths

    @strawberry.field(description="The default of `isEncrypted` for new entries. Null if there is none.")
    def is_encrypted(self) -> bool | None:
        return self.row.defaults.get("is_encrypted")

    @strawberry.field(description="The default of `isIndexed` for new entries. Null if there is none.")
    def is_indexed(self) -> bool | None:
        return self.row.defaults.get("is_indexed")

    @strawberry.field(description="The default of `isPublic` for new entries. Null if there is none.")
    def is_public(self) -> bool | None:
        return self.row.defaults.get("is_public")

    @strawberry.field(
        description="The default of `isEditable` for new entries. If false, users cannot create the entry "
        "themselves. Null if there is none."
    )
    def is_editable(self) -> bool | None:
        return self.row.defaults.get("is_editable")

    @strawberry.field(description="The default of `category` for new entries. Null if there is none.")
    def category(self) -> str | None:
        return self.row.defaults.get("category")

    @strawberry.field(description="The default of `description` for new entries. Null if there is none.")
    def description(self) -> str | None:
        return self.row.defaults.get("description")

    @strawberry.field(
        description="The value of users who have none of their own, and who are in no variant. Null if there "
        "is none."
    )
    def default(self) -> JSON | None:
        text = self.row.assignment.default
        return None if text is None else JSON(text)

    @strawberry.field(description="If false, everybody gets the default, whatever their own values are.")
    def enabled(self) -> bool:
        return self.row.assignment.enabled

    @strawberry.field(description="Values that shares of the users get instead of the default.")
    def variants(self) -> list[MetadataVariant]:
        return [MetadataVariant(row=each) for each in self.row.assignment.variants]

    @strawberry.field(description="Another salt shuffles the users of all variants. Empty by default.")
    def salt(self) -> str:
        return self.row.assignment.salt

    @strawberry.field(
        description="Whether users without a value on the platform get that of their user-wide document."
    )
    def user_wide_fallback(self) -> bool:
        return self.row.assignment.user_wide_fallback

    @strawberry.field(
        description="Whether others than tenant admins and tokens with the scope `EVALUATE` of admins can "
        "evaluate the key."
    )
    def client_visible(self) -> bool:
        return self.row.assignment.client_visible

    @strawberry.field(description="What a settings page calls the key. Null if that was not specified.")
    def title(self) -> str | None:
        return self.row.presentation.get("title")

    @strawberry.field(description="The section of a settings page. Null if that was not specified.")
    def section(self) -> str | None:
        return self.row.presentation.get("section")

    @strawberry.field(
        description="The position of the key in its section; small numbers are first. Null if that was not "
        "specified."
    )
    def position(self) -> int | None:
        return self.row.presentation.get("position")

    def _rule(self, name: str) -> Any:
        return self.row.rules.get(name)

    def _json(self, name: str) -> JSON | None:
        rule = self._rule(name)
        return None if rule is None else JSON(strict_json.dumps(rule))
