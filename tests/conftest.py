"""Every test that touches data runs on SQLite and on PostgreSQL, against a real server."""

import os
import re
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgres
from tests.support.service import Service, serving
from tests.support.world import World

_QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(
    "short", max_examples=100, deadline=None, database=None, suppress_health_check=_QUIET
)
settings.register_profile("long", settings.get_profile("short"), max_examples=20_000)
settings.load_profile("short")

# Tests start servers and `make`, which must see neither the user's settings nor the variables of a `make`
# that has started the tests.
_NOT_INHERITED = re.compile("GQL_SERVICE_.*|MAKE.*|MFLAGS|GNUMAKEFLAGS|PYTHON|VENV|PORT|WORKERS")
for _name in filter(_NOT_INHERITED.fullmatch, list(os.environ)):
    del os.environ[_name]
# Nor must they inherit that signals are ignored, as they are under `nohup` and in the background of a shell.
for _signal in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)

BACKENDS = ("sqlite", "postgres")
_skipped: dict[str, str] = {}


def require(program: str, found: bool) -> None:
    """Skip with a message if a program is missing, or fail if `GQL_TEST_REQUIRE_ALL` is set, as in CI."""
    if found:
        return
    reason = f"{program} is not installed on this machine"
    if os.environ.get("GQL_TEST_REQUIRE_ALL"):
        pytest.fail(reason)
    _skipped[program] = reason
    pytest.skip(reason)


_MARKS = {"browser": pytest.mark.clients, "image": pytest.mark.install, "wheel": pytest.mark.install}
"""The marks of the tests that have a fixture."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Mark the tests by what they need. Begin with those of the project: some take long, so nobody waits for
    them at the end."""
    for item in items:
        for fixture in set(_MARKS).intersection(getattr(item, "fixturenames", ())):
            item.add_marker(_MARKS[fixture])
    yield
    items.sort(key=lambda item: not item.nodeid.startswith("tests/project/"))


def note_untested(what: str, reason: str) -> None:
    """Say at the end that something could not be tested here, and that another test stood in for it."""
    _skipped[what] = reason


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for program, reason in _skipped.items():
        terminalreporter.section(f"NOT TESTED: what needs {program}", red=True, bold=True)
        terminalreporter.line(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    require("PostgreSQL (" + ", ".join(postgres.PROGRAMS) + ")", not postgres.missing_programs())
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session", params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that all tests of the session share; it is empty at first."""
    return _new_database(request, request.param, tmp_path_factory.mktemp("database"))


@pytest.fixture(params=BACKENDS)
def fresh_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for one test."""
    return _new_database(request, request.param, tmp_path)


@pytest.fixture(scope="session")
def service(database_url: str) -> Iterator[Service]:
    """The server that most tests share. Each test has its own users, from `world`."""
    with serving(database_url) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


def _new_database(request: pytest.FixtureRequest, backend: str, folder: Path) -> str:
    if backend == "sqlite":
        return f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}"
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    return server.create_database()
