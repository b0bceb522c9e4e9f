"""What the entries of a platform may be: a type, rules for the value, and what new entries are by default."""

from collections.abc import Callable, Mapping, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select

from gql_service.domain.value_types import ValueType
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement, among
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
    .where(among(platforms.c.id, "ids"))
)


class Definition(NamedTuple):
    """What one key is."""

    type: ValueType
    rules: Mapping[str, Any]
    defaults: Mapping[str, Any]
    """By the names of an entry's fields."""

    def check(self, key: str, type_: ValueType, text: Callable[[], str], field: tuple[str, ...]) -> None:
        """Whether a value may be stored. Raises Rejected, naming the key and the rule."""
        if type_ is not self.type:
            message = f"{key!r} is defined as a {self.type.value}, not as a {type_.value}."
            raise Rejected(Problem.RULE_BROKEN, message, field)


class PlatformRules(NamedTuple):
    """What holds for the documents of one platform: its definitions, and whether other keys are refused."""

    definitions: Mapping[str, Definition] = {}
    strict: bool = False


FREE = PlatformRules()
"""What holds for the documents that belong to no platform."""


async def of_platforms(connection: Connection, platform_ids: Set[str]) -> dict[str, PlatformRules]:
    """The rules of each platform."""
    found: dict[str, PlatformRules] = {}
    for id, strict, key, type_, rules, defaults in await connection.fetch(_OF_PLATFORMS, ids=platform_ids):
        definitions = found.setdefault(id, PlatformRules({}, bool(strict))).definitions
        if key is not None:
            definition = Definition(ValueType(type_), orjson.loads(rules), orjson.loads(defaults))
            definitions[key] = definition  # type: ignore[index] # it is being built
    return found
