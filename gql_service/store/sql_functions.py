"""SQL functions of this service. Each is rendered as what the database in use understands."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Text, bindparam, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class any_of(FunctionElement[bool]):
    """`any_of(column, "keys")`: the column equals one of the texts in the list parameter `keys`.

    The list is one parameter, so the SQL text does not depend on its length.
    """

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True  # otherwise Core adds `= 1` for SQLite, which then uses no index

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=ARRAY(Text)))


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    if options.get("single_key"):
        return f"{column} = {keys}"
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - both are rendered by Core


@compiles(any_of, "postgresql")
def _any_of_postgres(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({keys})"


class bytewise(FunctionElement[str]):
    """A text column that sorts by its UTF-8 bytes on both databases, whatever PostgreSQL's collation is."""

    type = Text()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str]) -> None:
        super().__init__(column)


@compiles(bytewise)
def _bytewise(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(bytewise, "postgresql")
def _bytewise_postgres(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


class without_index(FunctionElement[Any]):
    """A column whose index SQLite must not use: it keeps no statistics and would prefer the wrong index.

    PostgreSQL has statistics, so there this is the column itself.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


@compiles(without_index)
def _without_index(element: without_index, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(without_index, "sqlite")
def _without_index_sqlite(element: without_index, compiler: SQLCompiler, **options: Any) -> str:
    """A unary plus disqualifies a column from index use."""
    return f"+{compiler.process(element.clauses, **options)}"


class contains_text(FunctionElement[bool]):
    """`contains_text(column, "text")`: the column (text or JSON) contains the text in parameter `text`."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=Text))


@compiles(contains_text, "sqlite")
def _contains_text_sqlite(element: contains_text, compiler: SQLCompiler, **options: Any) -> str:
    column, text = (compiler.process(clause, **options) for clause in element.clauses)
    return f"instr({column}, {text}) > 0"


@compiles(contains_text, "postgresql")
def _contains_text_postgres(element: contains_text, compiler: SQLCompiler, **options: Any) -> str:
    column, text = (compiler.process(clause, **options) for clause in element.clauses)
    return f"strpos(CAST({column} AS TEXT), {text}) > 0"


class byte_size(FunctionElement[int]):
    """The bytes of a value: on PostgreSQL as it is stored, which may be compressed."""

    type = BigInteger()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)


@compiles(byte_size, "sqlite")
def _byte_size_sqlite(element: byte_size, compiler: SQLCompiler, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(byte_size, "postgresql")
def _byte_size_postgres(element: byte_size, compiler: SQLCompiler, **options: Any) -> str:
    return f"pg_column_size({compiler.process(element.clauses, **options)})"


class database_size(FunctionElement[int]):
    """The bytes of the database that is connected."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_size, "sqlite")
def _database_size_sqlite(_element: database_size, _compiler: SQLCompiler, **_options: Any) -> str:
    return "(SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())"


@compiles(database_size, "postgresql")
def _database_size_postgres(_element: database_size, _compiler: SQLCompiler, **_options: Any) -> str:
    return "pg_database_size(current_database())"


class json_instant(FunctionElement[int]):
    """An instant in a JSON object; NULL if it has no such member."""

    type = BigInteger()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], member: str) -> None:
        super().__init__(column, literal(member))


@compiles(json_instant, "sqlite")
def _json_instant_sqlite(element: json_instant, compiler: SQLCompiler, **options: Any) -> str:
    column, member = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({column}, '$.' || {member})"


@compiles(json_instant, "postgresql")
def _json_instant_postgres(element: json_instant, compiler: SQLCompiler, **options: Any) -> str:
    column, member = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(({column} ->> {member}) AS BIGINT)"


class database_now(FunctionElement[int]):
    """The current instant by the clock of the database, which all processes share."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _database_now_sqlite(_element: database_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)"


@compiles(database_now, "postgresql")
def _database_now_postgres(_element: database_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
