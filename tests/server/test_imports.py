"""What servers and health checks import: the more, the longer each start takes."""

import subprocess
import sys

import pytest

PRINT_MODULES = "import sys, gql_service.app, gql_service.web.http_protocol; print(*sys.modules)"
NOT_NEEDED = [
    "alembic",
    "asyncpg",
    "cryptography",
    "gql_service.web.openapi.document",
    "httpx",
    "prometheus_client",
    "pygments",
    "pytest",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm.session",
    "typer",
]
MOST_MODULES = 1150
"""A few more than there are."""


@pytest.fixture(scope="module")
def modules() -> set[str]:
    command = [sys.executable, "-c", PRINT_MODULES]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", NOT_NEEDED)
def test_the_application_does_not_import_what_serving_does_not_need(modules: set[str], module: str) -> None:
    assert module not in modules


def test_few_modules_are_imported(modules: set[str]) -> None:
    assert len(modules) < MOST_MODULES


def test_collections_during_the_import_are_rare() -> None:
    """Each walks all objects that were imported so far."""
    count = "sum(each['collections'] for each in gc.get_stats())"
    code = f"import gc, gql_service; before = {count}; import gql_service.app; print({count} - before)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 1


@pytest.mark.parametrize(
    "arguments", [["healthcheck", "--url", "http://127.0.0.1:9/"], ["--version"], ["nothing"]]
)
def test_commands_that_need_nothing_of_the_service_do_not_import_it(arguments: list[str]) -> None:
    """Containers run `healthcheck` every few seconds."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "from gql_service.cli import app\n"
        f"app({arguments})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    imported = set(done.stdout.split())
    assert "gql_service.cli" in imported
    assert not imported & {"strawberry", "sqlalchemy", "starlette", "gql_service.settings"}
