"""The machine and the versions, on which the results depend."""

import os
import platform
import shlex
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson

from bench.servers import PEERS, RUNTIMES

_PYTHON = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "httptools", "orjson")
_PYTHON_STORES = ("sqlalchemy", "aiosqlite", "asyncpg")


def describe() -> list[tuple[str, str]]:
    """The facts about this run, as names and texts."""
    distributions = ", ".join(f"{name} {version(name)}" for name in (*_PYTHON, *_PYTHON_STORES))
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("command line", shlex.join(["python", "-m", "bench", *sys.argv[1:]])),
        ("revision", _revision()),
        ("machine", f"{os.cpu_count()} cores, {_processor()}, {_memory()}, {platform.release()}"),
        ("load average before", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())),
        ("Python", f"{platform.python_version()} with SQLite {sqlite3.sqlite_version}; {distributions}"),
        ("Node", f"{_output_of('node', '--version')} with SQLite {_node_sqlite()}; {_node_packages()}"),
        ("Bun", f"{_bun_version()} with SQLite {_bun_sqlite()}"),
        ("load generator", _output_of("wrk", "-v").partition(" [")[0]),
    ]


def _output_of(program: str, *arguments: str) -> str:
    """The first line of a program's output, whatever its exit code: that of `wrk -v` is 1."""
    path = shutil.which(program)
    if path is None:
        return f"{program} is not installed"
    done = subprocess.run(  # noqa: S603 - our own arguments
        [path, *arguments], cwd=PEERS, capture_output=True, text=True, timeout=20
    )
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def _revision() -> str:
    changed = " with changes" if _output_of("git", "status", "--porcelain", "--", "../../gql_service") else ""
    return _output_of("git", "rev-parse", "--short", "HEAD") + changed


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _node_sqlite() -> str:
    statement = 'new (require("better-sqlite3"))(":memory:").prepare("select sqlite_version()").pluck().get()'
    return _output_of("node", "-p", statement)


def _bun_version() -> str:
    return _output_of(RUNTIMES["bun"], "--version")


def _bun_sqlite() -> str:
    database = 'new (require("bun:sqlite").Database)(":memory:")'
    return _output_of(RUNTIMES["bun"], "-p", f'{database}.query("select sqlite_version() as v").get().v')


def _node_packages() -> str:
    names = orjson.loads((PEERS / "package.json").read_bytes())["dependencies"]
    return ", ".join(f"{name} {number}" for name, number in names.items())
