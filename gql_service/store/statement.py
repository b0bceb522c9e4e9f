"""SQL statements: written in SQLAlchemy Core, compiled once per database, run by the driver itself.

SQLAlchemy's own execution of a statement costs more than the statement; see bench/README.md.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Executable
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine import Dialect

_TABLES = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?!json_each|unnest)(\w+)")


class Prepared(NamedTuple):
    """A statement for one driver.

    `bind` puts named parameters in the order of the driver's placeholders. `lists` names the parameters
    that are lists of keys.
    """

    sql: str
    bind: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    lists: frozenset[str]


class Statement:
    """A Core statement. `bindparam` names its parameters; in an INSERT, the columns do.

    `scans` says that the statement may read many rows. SQLite then runs it in a thread. `on_postgres` takes
    its place on PostgreSQL.
    """

    def __init__(
        self, core: Executable, *, scans: bool = False, on_postgres: Executable | None = None
    ) -> None:
        self._core = core
        self._on_postgres = core if on_postgres is None else on_postgres
        self.scans = scans

    @cached_property
    def name(self) -> str:
        """Its `summary`, whatever the database."""
        return summary(self.for_sqlite.sql)

    @cached_property
    def for_sqlite(self) -> Prepared:
        return _prepare(self._core, sqlite_dialect(), _as_json)

    @cached_property
    def for_sqlite_single_key(self) -> Prepared:
        """For lists of one key each: `=` instead of `json_each`, which takes as long as the read itself."""
        return _prepare(self._core, sqlite_dialect(), _only_key, single_key=True)

    @cached_property
    def for_postgres(self) -> Prepared:
        return _prepare(self._on_postgres, _postgres_dialect(), _without_nul)


@cache
def _postgres_dialect() -> Dialect:
    """A process that serves from SQLite does without the import."""
    dialect: Dialect = import_module("sqlalchemy.dialects.postgresql.asyncpg").dialect()
    return dialect


def summary(sql: str) -> str:
    """The verb of a statement and its tables: what a log may contain of it."""
    tables = dict.fromkeys(_TABLES.findall(sql))
    return " ".join([sql.split(None, 1)[0], ", ".join(tables)]).strip()


def _prepare(
    core: Any, dialect: Dialect, encode_list: Callable[[Any], Any], *, single_key: bool = False
) -> Prepared:
    compiled = core.compile(dialect=dialect, compile_kwargs={"single_key": True} if single_key else {})
    names: list[str] = compiled.positiontup
    lists = frozenset(name for name in names if isinstance(compiled.binds[name].type, ARRAY))
    constants = {name: compiled.binds[name].value for name in names if not compiled.binds[name].required}
    constants = {name: value for name, value in constants.items() if value is not None}

    def bind(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple([parameters[name] for name in names])

    def bind_list(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        return (encode_list(parameters[names[0]]),)

    def bind_lists(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        values = {**constants, **parameters} if constants else parameters
        return tuple([encode_list(values[name]) if name in lists else values[name] for name in names])

    if lists and len(names) == 1:
        return Prepared(str(compiled), bind_list, lists)
    return Prepared(str(compiled), bind_lists if lists or constants else bind, lists)


def _as_json(keys: Iterable[str]) -> str:
    return orjson.dumps(_without_nul(keys)).decode()


def _only_key(keys: Iterable[str]) -> str:
    return next(iter(keys))


def _without_nul(keys: Iterable[str]) -> list[str]:
    """Keys that can exist: no stored text has a NUL character, and PostgreSQL rejects statements with one."""
    return [key for key in keys if "\0" not in key]
