"""`MetadataDefinition`: what the values of one key of a platform's documents may be."""

from typing import Any

import strawberry

from gql_service import strict_json
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import ValueType
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import JSON, DateTime


@strawberry.type(directives=AUTHENTICATED, description="What the entries of one key of a platform may be.")
class MetadataDefinition:
    row: strawberry.Private[StoredDefinition]
    key: str = column("The key.")
    value_type: ValueType = column("The type of the values.")
    created_at: DateTime = column("When the key was first defined.")
    updated_at: DateTime = column("When the definition last changed.")

    @strawberry.field(description="The least number, or the first date.")
    def minimum(self) -> JSON | None:
        return self._json("minimum")

    @strawberry.field(description="The greatest number, or the last date.")
    def maximum(self) -> JSON | None:
        return self._json("maximum")

    @strawberry.field(description="The fewest characters of a text, or bytes of binary data.")
    def min_length(self) -> int | None:
        length: int | None = self._rule("minLength")
        return length

    @strawberry.field(description="The most characters of a text, or bytes of binary data.")
    def max_length(self) -> int | None:
        length: int | None = self._rule("maxLength")
        return length

    @strawberry.field(description="A regular expression that is found in every text.")
    def pattern(self) -> str | None:
        pattern: str | None = self._rule("pattern")
        return pattern

    @strawberry.field(description="The only values there may be.")
    def choices(self) -> list[JSON] | None:
        choices = self._rule("choices")
        return None if choices is None else [JSON(strict_json.dumps(choice)) for choice in choices]

    @strawberry.field(description="A JSON Schema of draft 2020-12 that every value satisfies.")
    def schema(self) -> JSON | None:
        return self._json("schema")

    @strawberry.field(description="Whether new values are encrypted unless that is said; null: not said.")
    def is_encrypted(self) -> bool | None:
        return self.row.defaults.get("is_encrypted")

    @strawberry.field(description="Whether users may be searched by new values; null: not said.")
    def is_indexed(self) -> bool | None:
        return self.row.defaults.get("is_indexed")

    @strawberry.field(description="Whether users may see new entries; null: not said.")
    def is_public(self) -> bool | None:
        return self.row.defaults.get("is_public")

    @strawberry.field(description="Whether users may set the key, and change new entries; null: not said.")
    def is_editable(self) -> bool | None:
        return self.row.defaults.get("is_editable")

    @strawberry.field(description="What new entries are grouped by.")
    def category(self) -> str | None:
        return self.row.defaults.get("category")

    @strawberry.field(description="What the entries are for.")
    def description(self) -> str | None:
        return self.row.defaults.get("description")

    def _rule(self, name: str) -> Any:
        return self.row.rules.get(name)

    def _json(self, name: str) -> JSON | None:
        rule = self._rule(name)
        return None if rule is None else JSON(strict_json.dumps(rule))
