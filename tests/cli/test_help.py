"""The help of every command, the version, and shell completion."""

import os
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from gql_service.cli import app
from tests.support.cli_processes import PROGRAM

Command = TyperCommand | TyperGroup
TERMINAL = {"COLUMNS": "80", "TERM": "dumb"}


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    """All commands and groups with their names, the root first."""
    assert isinstance(command, TyperCommand | TyperGroup)
    yield path, command
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


ALL = dict(commands(get_command(app)))
LEAVES = {path: command for path, command in ALL.items() if isinstance(command, TyperCommand)}
each_command = pytest.mark.parametrize("path", ALL, ids=" ".join)


def rendered_help(path: tuple[str, ...]) -> str:
    done = CliRunner().invoke(app, [*path, "--help"], env=TERMINAL, prog_name="gql-service")
    assert done.exit_code == 0, done.output
    return done.stdout


@each_command
def test_commands_arguments_and_options_have_help(path: tuple[str, ...]) -> None:
    assert ALL[path].help
    without_help = [
        parameter.name
        for parameter in ALL[path].params
        if not str(getattr(parameter, "help", None) or "").strip()
    ]
    assert without_help == []


@each_command
def test_help_fits_80_columns_and_cuts_nothing(path: tuple[str, ...]) -> None:
    text = rendered_help(path)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "..." not in text.replace("COMMAND [ARGS]...", "")
    words = set(re.findall(r"[\w-]+", text))
    for parameter in ALL[path].params:
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument":
            names = [str(parameter.metavar)]
        assert set(names) <= words


def test_groups_list_their_commands_with_whole_summaries() -> None:
    for path, group in ALL.items():
        if isinstance(group, TyperGroup):
            text = rendered_help(path)
            for name, command in group.commands.items():
                summary = re.search(rf"^  {name} +(.+)$", text, re.MULTILINE)
                assert summary is not None, name
                assert (command.help or "").startswith(summary[1].removesuffix("."))


def test_the_root_help_mentions_shell_completion() -> None:
    text = rendered_help(())
    assert "--install-completion" in text
    assert "--show-completion" in text


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_but_serve_prints_json_on_request(path: tuple[str, ...]) -> None:
    options = {name for parameter in LEAVES[path].params for name in parameter.opts}
    assert ("--json" in options) == (path != ("serve",))


def test_the_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"gql-service {version('gql-service')}\n")


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("gql-service tok", ["token"]),
        ("gql-service token ", ["issue", "revoke", "revoke-all", "list"]),
        ("gql-service user update --lang", ["--language"]),
        ("gql-service platform mode shop st", ["STRICT"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words: str, completions: list[str]) -> None:
    completing = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_GQL_SERVICE_COMPLETE": "complete_bash",
    }
    done = subprocess.run(PROGRAM, env=os.environ | completing, capture_output=True, text=True, check=True)
    assert done.stdout.split() == completions


def test_the_completion_script_can_be_shown() -> None:
    shell = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [*PROGRAM, "--show-completion", "bash"],
        env=os.environ | shell,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "complete -o default -F _gql_service_completion gql-service" in done.stdout
