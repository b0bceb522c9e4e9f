"""The documents in `docs/` work: their snippets are run, and their commands are those of the command line."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from gql_service.cli import app
from tests.conftest import require
from tests.support.walkthrough import ROOT, DemoServer, blocks_of, make_serve, run_document
from tests.support.webhooks import KEYS

DOCS = ROOT / "docs"
WITH_SNIPPETS = ("guide.md", "rest.md", "users.md", "graphql.md", "flags.md", "live.md")
WITH_KEY = ("webhooks.md",)
"""Those whose snippets need an encryption key."""
PROMPT = "$ gql-service "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    require("make", shutil.which("make") is not None)
    require("curl", shutil.which("curl") is not None)
    with make_serve(tmp_path_factory.mktemp("guide")) as running:
        yield running


@pytest.mark.parametrize("name", WITH_SNIPPETS)
def test_every_snippet_works(name: str, server: DemoServer) -> None:
    run_document(DOCS / name, server)


@pytest.mark.parametrize("name", WITH_KEY)
def test_every_snippet_that_needs_a_key_works(name: str, tmp_path: Path) -> None:
    require("make", shutil.which("make") is not None)
    with make_serve(tmp_path, GQL_SERVICE_ENCRYPTION_KEYS=KEYS) as server:
        run_document(DOCS / name, server)


def test_only_those_documents_have_snippets() -> None:
    languages = {path.name: {block.language for block in blocks_of(path)} for path in DOCS.rglob("*.md")}
    assert {name for name, found in languages.items() if found & {"sh", "graphql"}} == {
        *WITH_SNIPPETS,
        *WITH_KEY,
    }


def _documented_commands() -> list[str]:
    """The commands that `docs/operations.md` shows in a terminal, without the name of the program."""
    blocks = [block.text for block in blocks_of(DOCS / "operations.md") if block.language == "console"]
    return [line.removeprefix(PROMPT) for text in blocks for line in text.splitlines()]


def _commands(command: object, name: str = "") -> Iterator[str]:
    """The names of all commands, such as `token issue`."""
    if isinstance(command, TyperGroup):
        for inner_name, inner in command.commands.items():
            yield from _commands(inner, f"{name} {inner_name}".strip())
    else:
        yield name


@pytest.mark.parametrize("line", _documented_commands())
def test_the_command_line_knows_every_documented_command_and_option(line: str) -> None:
    done = CliRunner().invoke(app, [*shlex.split(line), "--help"])  # parses the options, and runs nothing
    assert done.exit_code == 0, done.output


def test_every_command_is_documented() -> None:
    documented = [f"{line} " for line in _documented_commands()]
    for name in _commands(get_command(app)):
        assert any(line.startswith(f"{name} ") for line in documented), name
