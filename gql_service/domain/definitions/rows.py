"""Rows of `metadata_definitions` for export and import: reading pages, checking and inserting."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, bindparam, insert, select, tuple_

from gql_service import strict_json
from gql_service.domain.definitions import assignment, presentation
from gql_service.domain.definitions.define import DEFAULT_FLAGS, DEFAULT_TEXTS
from gql_service.domain.definitions.definitions import STORED_COLUMNS, StoredDefinition
from gql_service.domain.definitions.history import record_imported
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.value_rules import RULES, check_rules
from gql_service.domain.documents.entries import TEXT_LIMITS
from gql_service.domain.values.types import ValueType
from gql_service.domain.values.validation import Limits, check_key
from gql_service.quoting import shortened
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions

_INSERT = Statement(insert(metadata_definitions))
# Each list narrows the primary key. Rows of pairs that were not requested are dropped after reading.
_BY_KEYS = Statement(
    select(*STORED_COLUMNS).where(
        any_of(metadata_definitions.c.platform_id, "platform_ids"), any_of(metadata_definitions.c.key, "keys")
    )
)
_ORDER = bytewise(metadata_definitions.c.platform_id), bytewise(metadata_definitions.c.key)
_AFTER = Statement(
    select(*STORED_COLUMNS)
    .where(
        tuple_(*_ORDER) > tuple_(bindparam("after_platform", type_=Text), bindparam("after_key", type_=Text))
    )
    .order_by(*_ORDER)
    .limit(bindparam("size"))
)

DefinitionKey = tuple[str, str]
"""A platform id and a metadata key."""
_RULES_EXCERPT = 200
"""Characters of the canonical rules that a message quotes."""


def check_definition(fields: Mapping[str, Any], limits: Limits) -> None:
    """Check the fields of an imported definition, which must be canonical. Raises Rejected."""
    value_type, rules = fields["valueType"], fields["rules"]
    check_key(fields["key"], limits, ("key",))
    if value_type not in ValueType.__members__:
        message = f"There is no such type; the types are {', '.join(ValueType.__members__)}."
        raise invalid_definition(message, ("value_type",))
    if unknown := sorted(rules.keys() - RULES):
        message = f"There is no rule `{shortened(unknown[0])}`; the rules are {', '.join(RULES)}."
        raise invalid_definition(message, ("rules",))
    if (text := check_rules(ValueType(value_type), rules, limits)) != strict_json.dumps(rules):
        message = f"The rules are not canonical; write them as {shortened(text, _RULES_EXCERPT)}"
        raise invalid_definition(message, ("rules",))
    for name, value in fields["defaults"].items():
        _check_default(name, value)
    assignment.check_stored(ValueType(value_type), text, fields["assignment"], limits)
    presentation.check_stored(fields["presentation"])


def _check_default(name: str, value: Any) -> None:
    if name in DEFAULT_TEXTS:
        is_valid = isinstance(value, str) and 0 < len(value) <= TEXT_LIMITS[name]
        expected = f"a text of 1 to {TEXT_LIMITS[name]} characters"
    elif name in DEFAULT_FLAGS:
        is_valid, expected = isinstance(value, bool), "true or false"
    else:
        names = ", ".join([*DEFAULT_TEXTS, *DEFAULT_FLAGS])
        message = f"There is no default `{shortened(name)}`; the defaults are {names}."
        raise invalid_definition(message, ("defaults",))
    if not is_valid:
        raise invalid_definition(f"The default `{name}` must be {expected}.", ("defaults",))


async def by_keys(connection: Connection, keys: Sequence[DefinitionKey]) -> list[StoredDefinition | None]:
    """The definition of each (platform id, key); None if there is none."""
    platform_ids, metadata_keys = {platform for platform, _ in keys}, {key for _, key in keys}
    rows = await connection.fetch(_BY_KEYS, platform_ids=platform_ids, keys=metadata_keys)
    definitions = {(row.platform_id, row.key): row for row in rows_as(StoredDefinition, rows)}
    return [definitions.get(key) for key in keys]


async def after(connection: Connection, key: DefinitionKey, size: int) -> list[StoredDefinition]:
    """The next definitions in the order of (platform id, key); ("", "") is before the first one."""
    platform_id, metadata_key = key
    rows = await connection.fetch(_AFTER, after_platform=platform_id, after_key=metadata_key, size=size)
    return rows_as(StoredDefinition, rows)


async def insert_definitions(transaction: Connection, rows: Sequence[StoredDefinition]) -> None:
    """Insert checked definitions of existing platforms. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row.column_values() for row in rows])
    await record_imported(transaction, rows)
