"""Definitions of metadata keys: a type, rules for the value, and defaults for new entries."""

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select

from gql_service.domain.definitions.assignment import Assignment, assignment_of
from gql_service.domain.definitions.refusals import rule_violation
from gql_service.domain.definitions.value_rules import ValueRules, rules_of
from gql_service.domain.values.types import ValueType
from gql_service.domain.values.validation import InputPath
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions, platforms

_OF_PLATFORMS = Statement(
    select(
        platforms.c.id,
        platforms.c.strict,
        platforms.c.idempotency_max_age,
        metadata_definitions.c.key,
        metadata_definitions.c.value_type,
        metadata_definitions.c.rules,
        metadata_definitions.c.defaults,
    )
    .outerjoin(metadata_definitions, metadata_definitions.c.platform_id == platforms.c.id)
    .where(any_of(platforms.c.id, "ids"))
)


class Definition(NamedTuple):
    """The definition of one key, ready to check values."""

    type: ValueType
    rules: ValueRules
    defaults: Mapping[str, Any]
    """Attributes of new entries, by the names of `Entry`'s fields."""
    indexed_paths: Sequence[str] = ()
    """JSON Pointers to the parts of values that are indexed."""

    @property
    def is_hidden(self) -> bool:
        """Whether new entries are hidden from users. Then only admins know the definition."""
        return not self.defaults.get("is_public", True)

    def violation(self, type_: ValueType, text: str) -> str | None:
        """The rule that a value violates, and what it requires; None for a valid value.

        `text` is the canonical text of the value. The result does not quote it.
        """
        if type_ is not self.type:
            return f"`valueType`: it must be a {self.type.value}, not a {type_.value}"
        return self.rules.violation(text)

    def check(self, key: str, type_: ValueType, text: str, field: InputPath, *, secret: bool = False) -> None:
        """Check a value to write. Raises Rejected with the key, the rule and, unless `secret`, the part of
        the value that violates a JSON Schema."""
        if (violation := self.violation(type_, text)) is not None:
            path = self.rules.violation_path(text, violation, secret=secret)
            raise rule_violation(key, violation + path, field)


class PlatformDefinitions(NamedTuple):
    """The definitions of one platform by their keys, and whether documents may have only these keys."""

    definitions: Mapping[str, Definition] = {}
    strict: bool = False
    idempotency_max_age: int | None = None
    """Hours, where the platform has its own."""

    def indexed_paths(self, key: str) -> Sequence[str]:
        """The paths of values of a key that are indexed."""
        definition = self.definitions.get(key)
        return definition.indexed_paths if definition else ()


NO_DEFINITIONS = PlatformDefinitions()
"""For documents that belong to no platform."""


@lru_cache(maxsize=1024)
def _definition(type_: str, rules: str, defaults: str) -> Definition:
    paths: list[str] = orjson.loads(rules).get("indexedPaths", [])
    return Definition(ValueType(type_), rules_of(ValueType(type_), rules), orjson.loads(defaults), paths)


async def of_platforms(connection: Connection, platform_ids: Set[str]) -> dict[str, PlatformDefinitions]:
    """The definitions of platforms by platform id; unknown platforms are left out."""
    definitions: dict[str, dict[str, Definition]] = {}
    about: dict[str, tuple[bool, int | None]] = {}
    for id, strict, max_age, key, value_type, rules, defaults in await connection.fetch(
        _OF_PLATFORMS, ids=platform_ids
    ):
        of_platform = definitions.setdefault(id, {})
        about[id] = bool(strict), max_age
        if key is not None:
            of_platform[key] = _definition(value_type, rules, defaults)
    return {id: PlatformDefinitions(by_key, *about[id]) for id, by_key in definitions.items()}


class StoredDefinition(NamedTuple):
    """A row of `metadata_definitions`. What the columns hold as text has the prefix `stored_`."""

    platform_id: str
    key: str
    stored_type: str
    stored_rules: str
    """Canonical JSON text."""
    stored_defaults: str
    """Canonical JSON text."""
    created_at: int
    updated_at: int
    stored_assignment: str = "{}"
    """Canonical JSON text: see `domain.definitions.assignment`."""
    stored_presentation: str = "{}"
    """Canonical JSON text: see `domain.definitions.presentation`."""

    @property
    def definition(self) -> Definition:
        return _definition(self.stored_type, self.stored_rules, self.stored_defaults)

    @property
    def value_type(self) -> ValueType:
        return ValueType(self.stored_type)

    @property
    def rules(self) -> Mapping[str, Any]:
        """The rules by their names in the API."""
        rules: Mapping[str, Any] = orjson.loads(self.stored_rules)
        return rules

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Attributes of new entries, by the names of `Entry`'s fields."""
        return self.definition.defaults

    @property
    def assignment(self) -> Assignment:
        """Which value users get who have none of their own."""
        return assignment_of(self.stored_assignment)

    @property
    def presentation(self) -> Mapping[str, Any]:
        """`title`, `section` and `position`, as far as they are set."""
        presentation: Mapping[str, Any] = orjson.loads(self.stored_presentation)
        return presentation

    @property
    def is_known_to_members(self) -> bool:
        """Whether others than admins may know the definition."""
        return not self.definition.is_hidden and self.assignment.client_visible

    def has_other_rules(self, other: "StoredDefinition") -> bool:
        """Whether other values may conform to this definition than to another one."""
        return (self.stored_type, self.stored_rules) != (other.stored_type, other.stored_rules)

    def column_values(self) -> dict[str, Any]:
        """The values by the names of their columns."""
        return {_column_name(field): value for field, value in self._asdict().items()}


def _column_name(field: str) -> str:
    return "value_type" if field == "stored_type" else field.removeprefix("stored_")


STORED_COLUMNS = [metadata_definitions.c[_column_name(field)] for field in StoredDefinition._fields]
"""The columns of a `StoredDefinition`, in the order of its fields."""

_STORED = Statement(
    select(*STORED_COLUMNS)
    .where(any_of(metadata_definitions.c.platform_id, "ids"))
    .order_by(bytewise(metadata_definitions.c.key))
)


async def stored_of_platforms(
    connection: Connection, platform_ids: Sequence[str]
) -> list[list[StoredDefinition]]:
    """The definitions of each platform, in the order of their keys."""
    by_platform: dict[str, list[StoredDefinition]] = {id: [] for id in platform_ids}
    for row in rows_as(StoredDefinition, await connection.fetch(_STORED, ids=set(platform_ids))):
        by_platform[row.platform_id].append(row)
    return [by_platform[id] for id in platform_ids]
