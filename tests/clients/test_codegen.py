"""GraphQL Code Generator with the documented configuration, and TypeScript with what it generates."""

import subprocess
from pathlib import Path

import pytest

from tests.support.cli_processes import command
from tests.support.documented_clients import CODEGEN_CONFIG
from tests.support.npm import copy_npm_project, run_npm_program

pytestmark = pytest.mark.clients


@pytest.fixture(params=["--api", "--complete"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A client with operations, the configuration, and an exported schema."""
    project = copy_npm_project("codegen", tmp_path / "client")
    options = [] if request.param == "--complete" else [request.param]
    schema = command("sqlite+aiosqlite:////nowhere/at/all.sqlite3", "export-schema", *options)
    (project / "schema.graphql").write_text(schema.stdout)
    return project


def generate(project: Path, config: str) -> subprocess.CompletedProcess[str]:
    (project / "codegen.ts").write_text(config)
    return run_npm_program(project, "graphql-codegen", "--config", "codegen.ts")


def test_the_generated_types_fit_a_strictly_typed_client(project: Path) -> None:
    generated = generate(project, CODEGEN_CONFIG)
    assert generated.returncode == 0, generated.stdout + generated.stderr
    checked = run_npm_program(project, "tsc")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("project", ["--api"], indirect=True)
def test_a_scalar_that_the_map_lacks_is_an_error(project: Path) -> None:
    generated = generate(project, CODEGEN_CONFIG.replace("      Timestamp: ", "      Other: "))
    assert generated.returncode != 0
    assert "Unknown scalar type Timestamp." in generated.stdout + generated.stderr
