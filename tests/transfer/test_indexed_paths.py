"""Export and import of definitions that index paths: the imported values are found by them."""

from typing import Any

from sqlalchemy import select

from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.service import serving
from tests.transfer.test_definitions import DEFINED, DEFINITION
from tests.transfer.test_round_trip import Line, Shell, document_line, other, shell, sqlite_shell

__all__ = ["other", "shell", "sqlite_shell"]

PARTS = Statement(
    select(
        tables.metadata_index_parts.c.key,
        tables.metadata_index_parts.c.path,
        tables.metadata_index_parts.c.text_value,
        tables.metadata_index_parts.c.is_member,
    )
)
PLAN: Line = DEFINITION | {
    "key": "plan",
    "valueType": "json",
    "rules": {"indexedPaths": ["/tier", "/tags"]},
    "defaults": {},
}


def parts(shell: Shell) -> list[tuple[Any, ...]]:
    """What is indexed of parts of values."""
    with serving(shell.url) as service:

        async def read() -> list[tuple[Any, ...]]:
            async with service.services.database.read() as connection:
                return sorted((*row[:2], row[2] or "", bool(row[3])) for row in await connection.fetch(PARTS))

        return service.run(read)


def test_paths_are_indexed_wherever_the_definition_comes(shell: Shell, other: Shell) -> None:
    document = document_line("u", "shop", {"plan": {"tier": "gold", "tags": ["a", "b"]}})
    expected = [
        ("plan", "/tags", "", False),
        ("plan", "/tags", "", True),
        ("plan", "/tags", "", True),
        ("plan", "/tier", "gold", False),
    ]
    directory = [*DEFINED[:4], *DEFINED[5:6]]
    shop = DEFINED[4] | {"strict": False}
    shell.load(*directory[:4], shop, directory[4], PLAN, document)
    assert parts(shell) == expected
    exported = shell.exported()
    assert exported.index('"type":"document"') < exported.index('"type":"definition"')
    other.output("import", "-", input=exported.encode())
    assert parts(other) == expected
    assert other.exported() == exported


def test_a_definition_from_the_command_line_indexes_paths(shell: Shell) -> None:
    document = document_line("u", "shop", {"plan": {"tier": "gold"}})
    shell.load(*DEFINED[:4], DEFINED[4] | {"strict": False}, DEFINED[5], document)

    shell.output("definition", "set", "shop", "plan", "--type", "json", "--indexed-paths", '["/tier"]')
    assert parts(shell) == [("plan", "/tier", "gold", False)]
    assert "/tier" in shell.output("definition", "list", "shop")
    shell.output("definition", "remove", "shop", "plan")
    assert parts(shell) == []
