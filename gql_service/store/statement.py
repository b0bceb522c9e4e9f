"""SQL statements: written in SQLAlchemy Core, compiled once per database, run by the driver itself.

To hand SQLAlchemy a statement for execution costs more than to execute it; see bench/README.md.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Executable, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgres_dialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine import Dialect


class Prepared(NamedTuple):
    """The text for one driver, how to order named parameters for it, and which of those are lists."""

    sql: str
    bind: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    lists: frozenset[str]


class Statement:
    """A Core statement with parameters named by `bindparam` (in an INSERT, by its columns).

    `scans` says that it may read many rows, so that SQLite runs it where it delays nobody.
    """

    def __init__(self, core: Executable, *, scans: bool = False) -> None:
        self._core = core
        self.scans = scans

    @cached_property
    def for_sqlite(self) -> Prepared:
        return _prepare(self._core, sqlite_dialect(), lambda keys: orjson.dumps(_possible(keys)).decode())

    @cached_property
    def for_sqlite_by_one(self) -> Prepared:
        """Where every list has one item: making a table of it would take as long again as the read."""
        return _prepare(self._core, sqlite_dialect(), lambda keys: next(iter(keys)), by_one=True)

    @cached_property
    def for_postgres(self) -> Prepared:
        return _prepare(self._core, postgres_dialect(), _possible)  # type: ignore[no-untyped-call]


def _prepare(core: Any, dialect: Dialect, pack: Callable[[Any], Any], *, by_one: bool = False) -> Prepared:
    compiled = core.compile(dialect=dialect, compile_kwargs={"by_one": True} if by_one else {})
    names: list[str] = compiled.positiontup
    lists = frozenset(name for name in names if isinstance(compiled.binds[name].type, ARRAY))
    fixed = {name: compiled.binds[name].value for name in names if not compiled.binds[name].required}
    fixed = {name: value for name, value in fixed.items() if value is not None}

    def bind(given: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple([given[name] for name in names])

    def bind_lists(given: Mapping[str, Any]) -> tuple[Any, ...]:
        given = {**fixed, **given}
        return tuple([pack(given[name]) if name in lists else given[name] for name in names])

    return Prepared(str(compiled), bind_lists if lists or fixed else bind, lists)


def _possible(keys: Iterable[str]) -> list[str]:
    """No stored text has a NUL character, and PostgreSQL refuses a whole statement for one."""
    return [key for key in keys if "\0" not in key]


PING = Statement(select(1))
"""A sign of life."""
