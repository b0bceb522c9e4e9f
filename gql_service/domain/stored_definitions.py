"""Definitions as rows: read in order, found by their keys, and stored when they come from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, bindparam, insert, select, tuple_

from gql_service.domain.definitions import Definition
from gql_service.domain.setting import LONGEST
from gql_service.domain.value_types import ValueType
from gql_service.domain.values import Limits, check_key, check_value
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement, among, bytewise
from gql_service.store.tables import metadata_definitions

_FLAGS = frozenset({"is_encrypted", "is_indexed", "is_public", "is_editable"})
_INSERT = Statement(insert(metadata_definitions))
# Both lists narrow the primary key; a pair that nobody asked for is left aside below.
_BY_KEYS = Statement(
    select(metadata_definitions).where(
        among(metadata_definitions.c.platform_id, "platform_ids"), among(metadata_definitions.c.key, "keys")
    )
)
_IN_ORDER = bytewise(metadata_definitions.c.platform_id), bytewise(metadata_definitions.c.key)
_AFTER = Statement(
    select(metadata_definitions)
    .where(
        tuple_(*_IN_ORDER)
        > tuple_(bindparam("after_platform", type_=Text), bindparam("after_key", type_=Text))
    )
    .order_by(*_IN_ORDER)
    .limit(bindparam("size"))
)

Key = tuple[str, str]
"""The id of a platform, and a key."""


class StoredDefinition(NamedTuple):
    """A row of `metadata_definitions`."""

    platform_id: str
    key: str
    value_type: str
    rules: str
    defaults: str
    created_at: int
    updated_at: int

    def definition(self) -> Definition:
        """What it says about entries."""
        return Definition(ValueType(self.value_type), orjson.loads(self.rules), orjson.loads(self.defaults))


def check_definition(
    key: str, value_type: str, rules: Mapping[str, Any], defaults: Mapping[str, Any], limits: Limits
) -> None:
    """Whether a definition that comes from elsewhere may be stored. Raises Rejected."""
    check_key(key, limits, ("key",))
    if value_type not in ValueType.__members__:
        message = f"There is no such type; there are {', '.join(ValueType.__members__)}."
        raise Rejected(Problem.INVALID_DEFINITION, message, ("value_type",))
    check_value(rules, limits, ("rules",))
    for name, value in defaults.items():
        if name in LONGEST:
            fits = isinstance(value, str) and 0 < len(value) <= LONGEST[name]
            expected = f"a text of 1 to {LONGEST[name]} characters"
        else:
            fits, expected = isinstance(value, bool), "true or false"
            if name not in _FLAGS:
                message = (
                    f"There is no default `{name[:40]}`; there are {', '.join([*LONGEST, *sorted(_FLAGS)])}."
                )
                raise Rejected(Problem.INVALID_DEFINITION, message, ("defaults",))
        if not fits:
            raise Rejected(
                Problem.INVALID_DEFINITION, f"The default `{name}` must be {expected}.", ("defaults",)
            )


async def by_keys(connection: Connection, keys: Sequence[Key]) -> list[StoredDefinition | None]:
    """One definition per (platform id, key)."""
    platform_ids, names = {platform for platform, _ in keys}, {key for _, key in keys}
    rows = rows_as(StoredDefinition, await connection.fetch(_BY_KEYS, platform_ids=platform_ids, keys=names))
    found = {row[:2]: row for row in rows}
    return [found.get(key) for key in keys]


async def after(connection: Connection, key: Key, size: int) -> list[StoredDefinition]:
    """The next definitions in the order of (platform id, key); ("", "") comes before all."""
    platform_id, name = key
    rows = await connection.fetch(_AFTER, after_platform=platform_id, after_key=name, size=size)
    return rows_as(StoredDefinition, rows)


async def insert_definitions(transaction: Connection, rows: Sequence[StoredDefinition]) -> None:
    """Store definitions that were checked, of platforms that exist. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
