"""How commands print results: text and tables for people, or with `--json` one JSON document for programs.

The JSON is an object or a list. Its keys and formats are those of the GraphQL schema.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gql_service import instants

Json = dict[str, Any]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_result(message: str, document: Json, *, as_json: bool) -> None:
    """Print what a command did: a sentence for people, or the document."""
    if as_json:
        print_json(document)
    else:
        typer.echo(message)


def print_json(document: Json | Sequence[Json]) -> None:
    """Print a JSON document, indented by two spaces."""
    typer.echo(_printable_json(orjson.dumps(document, option=orjson.OPT_INDENT_2)))


def print_remark(text: str) -> None:
    """Print a line for people on standard error. What the command has done stays done if that is full or
    closed, so this is no error."""
    try:
        typer.echo(text, err=True)
    except OSError:
        # Otherwise, Python would try again at the end, and exit with 120.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def exit_with_error(*messages: str) -> NoReturn:
    """Print each message as a line on standard error, and end the command with exit code 1."""
    for message in messages:
        print_remark(f"gql-service: {printable(message)}")
    raise typer.Exit(1)


def print_fields(fields: Json, *, as_json: bool) -> None:
    """Print an object: a table with a row per field, or the JSON document."""
    if as_json:
        print_json(fields)
        return
    with table_of({"field": "field", "value": "value"}, as_json=False) as add_row:
        for name, value in fields.items():
            add_row({"field": name, "value": value})


@contextmanager
def table_of(
    headings: Mapping[str, str], *, as_json: bool, to_cells: Callable[[Json], Json] = lambda row: row
) -> Iterator[Callable[[Json], None]]:
    """Print rows, which the block adds one by one.

    With `as_json`, print a JSON list of the rows. Otherwise print the cells named in `headings`, which maps
    them to column headings; `to_cells` makes the cells of a row, by default its fields. On a terminal that is
    a table that wraps long values; elsewhere, a line of tab-separated values per row, without headings.
    """
    if as_json:
        separator = "["

        def add_row(row: Json) -> None:
            nonlocal separator
            typer.echo(f"{separator}\n  {_printable_json(orjson.dumps(row))}", nl=False)
            separator = ","

        yield add_row
        typer.echo("[]" if separator == "[" else "\n]")
    elif sys.stdout.isatty():
        table = Table()
        for heading in headings.values():
            table.add_column(heading, overflow="fold")
        yield lambda row: table.add_row(*_cells(to_cells(row), headings))
        Console(markup=False, highlight=False, emoji=False).print(table)
    else:
        yield lambda row: typer.echo("\t".join(_cells(to_cells(row), headings)))


def timestamp(instant: int | None) -> str | None:
    """Milliseconds since 1970 as RFC 3339; None stays None."""
    return None if instant is None else instants.rfc3339(instant)


def printable(text: str) -> str:
    """The text with a replacement for each character that could control a terminal."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def count_of(number: int, singular: str, plural: str) -> str:
    """A number with its noun, such as `1 entry` and `2 entries`."""
    return f"{number} {singular if number == 1 else plural}"


def _cells(cells: Json, names: Iterable[str]) -> list[str]:
    return [_cell(cells[name]) for name in names]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _printable_json(document: bytes) -> str:
    """The same JSON with escapes for the characters in its strings that could control a terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character).strip('"')
        for character in document.decode()
    )
