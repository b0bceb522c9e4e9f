"""SQL functions of our own, rendered for each database."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class among(FunctionElement[bool]):
    """`among(column, "keys")`: the column is one of the texts in the list parameter, however many."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True  # or Core compares it with 1 for SQLite, which then uses no index

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=ARRAY(Text)))


@compiles(among, "sqlite")
def _in_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    if options.get("by_one"):
        return f"{column} = {keys}"
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - both are rendered by Core


@compiles(among, "postgresql")
def _in_postgres(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({keys})"


class bytewise(FunctionElement[str]):
    """A text column as it sorts by its bytes on both databases, whatever collation PostgreSQL was given."""

    type = Text()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str]) -> None:
        super().__init__(column)


@compiles(bytewise)
def _as_it_is(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(bytewise, "postgresql")
def _in_collation_c(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


class unindexed(FunctionElement[Any]):
    """A column by which SQLite is not to look for rows: without statistics, it would prefer the wrong index.
    PostgreSQL has statistics, and decides for itself."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


@compiles(unindexed)
def _as_itself(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(unindexed, "sqlite")
def _with_a_sign(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


class mentions(FunctionElement[bool]):
    """`mentions(column, "text")`: the JSON in the column has the text in the parameter somewhere."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=Text))


@compiles(mentions, "sqlite")
def _has_in_sqlite(element: mentions, compiler: SQLCompiler, **options: Any) -> str:
    column, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"instr({column}, {part}) > 0"


@compiles(mentions, "postgresql")
def _has_in_postgres(element: mentions, compiler: SQLCompiler, **options: Any) -> str:
    column, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"strpos(CAST({column} AS TEXT), {part}) > 0"
