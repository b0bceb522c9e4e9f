"""What the entries of a platform may be: a type, rules for the value, and what new entries are by default."""

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select

from gql_service.domain.definitions.value_rules import ValueRules, rules_of
from gql_service.domain.values.types import ValueType
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions, platforms

_OF_PLATFORMS = Statement(
    select(
        platforms.c.id,
        platforms.c.strict,
        metadata_definitions.c.key,
        metadata_definitions.c.value_type,
        metadata_definitions.c.rules,
        metadata_definitions.c.defaults,
    )
    .outerjoin(metadata_definitions, metadata_definitions.c.platform_id == platforms.c.id)
    .where(any_of(platforms.c.id, "ids"))
)

_STORED = Statement(
    select(metadata_definitions)
    .where(any_of(metadata_definitions.c.platform_id, "ids"))
    .order_by(bytewise(metadata_definitions.c.key))
)


class Definition(NamedTuple):
    """What one key is."""

    type: ValueType
    rules: ValueRules
    defaults: Mapping[str, Any]
    """By the names of an entry's fields."""

    def fault(self, type_: ValueType, text: str) -> str | None:
        """The rule that a value breaks, and what the rule asks for; without the value."""
        if type_ is not self.type:
            return f"`valueType`: it must be a {self.type.value}, not a {type_.value}"
        return self.rules.fault(text)

    def check(
        self, key: str, type_: ValueType, text: str, field: tuple[str, ...], *, secret: bool = False
    ) -> None:
        """Whether a value may be stored. Raises Rejected, naming the key and the rule."""
        if (fault := self.fault(type_, text)) is not None:
            raise broken(key, fault + self.rules.place_of_fault(text, fault, secret=secret), field)


def broken(key: str, fault: str, field: tuple[str, ...]) -> Rejected:
    """What to tell who gives a key a value that breaks its definition."""
    shown = repr(key if len(key) <= 40 else key[:40] + "…")
    return Rejected(
        Problem.RULE_BROKEN, f"The value of {shown} breaks a rule of its definition, {fault}.", field
    )


class PlatformRules(NamedTuple):
    """What holds for the documents of one platform: its definitions, and whether other keys are refused."""

    definitions: Mapping[str, Definition] = {}
    strict: bool = False


FREE = PlatformRules()
"""What holds for the documents that belong to no platform."""


@lru_cache(maxsize=1024)
def _definition(type_: str, rules: str, defaults: str) -> Definition:
    return Definition(ValueType(type_), rules_of(ValueType(type_), rules), orjson.loads(defaults))


async def of_platforms(connection: Connection, platform_ids: Set[str]) -> dict[str, PlatformRules]:
    """The rules of each platform."""
    found: dict[str, PlatformRules] = {}
    for id, strict, key, *stored in await connection.fetch(_OF_PLATFORMS, ids=platform_ids):
        definitions = found.setdefault(id, PlatformRules({}, bool(strict))).definitions
        if key is not None:
            definitions[key] = _definition(*stored)  # type: ignore[index] # it is being built
    return found


class StoredDefinition(NamedTuple):
    """A row of `metadata_definitions`; JSON is canonical text."""

    platform_id: str
    key: str
    stored_type: str
    stored_rules: str
    stored_defaults: str
    created_at: int
    updated_at: int

    @property
    def definition(self) -> Definition:
        return _definition(self.stored_type, self.stored_rules, self.stored_defaults)

    @property
    def value_type(self) -> ValueType:
        return ValueType(self.stored_type)

    @property
    def rules(self) -> Mapping[str, Any]:
        """The rules by their names, as clients know them."""
        found: Mapping[str, Any] = orjson.loads(self.stored_rules)
        return found

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What new entries are, by the names of their fields."""
        return self.definition.defaults


async def stored_of_platforms(
    connection: Connection, platform_ids: Sequence[str]
) -> list[list[StoredDefinition]]:
    """The definitions of each platform, in the order of their keys."""
    found: dict[str, list[StoredDefinition]] = {id: [] for id in platform_ids}
    for row in rows_as(StoredDefinition, await connection.fetch(_STORED, ids=set(platform_ids))):
        found[row.platform_id].append(row)
    return [found[id] for id in platform_ids]
