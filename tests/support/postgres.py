"""A temporary PostgreSQL server: unprivileged, in its own folder, on its own port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.support.certificates import Authority
from tests.support.cli_processes import free_port

PROGRAMS = ("initdb", "pg_ctl", "psql")


def missing_programs() -> list[str]:
    """The required programs that this machine lacks."""
    return [program for program in PROGRAMS if not is_installed(program)]


def is_installed(program: str) -> bool:
    return _find(program) is not None


class Postgres:
    """A running server."""

    def __init__(self, folder: Path, port: int, identity: dict[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.identity = identity

    def create_database(self) -> str:
        """A new empty database; returns its URL."""
        name = f"test_{uuid4().hex}"
        url = f"postgresql+asyncpg://tester@127.0.0.1:{self.port}"
        self.run_sql(f"{url}/postgres", f"CREATE DATABASE {name}")
        return f"{url}/{name}"

    def run_sql(self, url: str, statements: str) -> None:
        """Run statements in one transaction, in the database of a URL."""
        database = url.rpartition("/")[2]
        self.run("psql", "-h", str(self.folder), "-p", str(self.port), "-U", "tester", "-d", database,
                 "-v", "ON_ERROR_STOP=1", "-qc", statements)  # fmt: skip

    def sql(self, url: str, *statements: str) -> str:
        """Run statements as the superuser; returns what psql prints, without headings."""
        path, location = self._psql(url)
        commands = [part for statement in statements for part in ("-c", statement)]
        return subprocess.run(
            [path, *location, "-qAt", *commands], check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def terminate_sessions(self, url: str) -> None:
        """End all other sessions of the database."""
        self.sql(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    @contextmanager
    def locking(self, url: str, table: str) -> Iterator[None]:
        """Hold a lock on a table, which makes writers wait."""
        with self.holding(url, f"LOCK TABLE {table} IN EXCLUSIVE MODE"):
            yield

    @contextmanager
    def holding(self, url: str, statement: str) -> Iterator[None]:
        """Run a statement, and commit it at the end of the block."""
        path, location = self._psql(url)
        holder = subprocess.Popen(
            [path, *location, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(f"BEGIN; {statement}; SELECT 'held';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.communicate("COMMIT;\n")

    def _psql(self, url: str) -> tuple[str, list[str]]:
        """The program, and the arguments with which it finds the database of the URL."""
        path = _find("psql")
        assert path is not None, "psql is not installed"
        database = url.rpartition("/")[2].partition("?")[0]
        return path, ["-h", str(self.folder), "-p", str(self.port), "-U", "tester", "-d", database]

    def run(self, program: str, *arguments: str) -> None:
        path = _find(program)
        assert path is not None, f"{program} is not installed"
        subprocess.run(
            [path, *arguments], check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self.identity
        )  # type: ignore[call-overload]


@contextmanager
def running(tls: Authority | None = None, commits: str = "off") -> Iterator[Postgres]:
    """Start a server, and stop and remove it at the end. `commits` is its `synchronous_commit`.

    With `tls`, it accepts only clients with TLS and with a certificate of the authority.
    """
    folder = Path(tempfile.mkdtemp(prefix="gql_service_postgres_"))
    identity: dict[str, str] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        identity = {"user": _unprivileged_user()}
        shutil.chown(folder, identity["user"])
    server = Postgres(folder, free_port(), identity)
    data = str(folder / "data")
    options = f"-p {server.port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    options += f" -c fsync=off -c synchronous_commit={commits} -c full_page_writes=off"
    options += " -c deadlock_timeout=100ms"
    try:
        server.run("initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync")
        if tls is not None:
            options += _require_tls(server, tls)
        server.run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():  # a test may have stopped it
                server.run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_tls(server: Postgres, authority: Authority) -> str:
    """Write the files of a server that speaks TLS only. Returns the options."""
    options = " -c ssl=on"
    certificate, key = authority.vouch_for("server")
    for name, source in (("cert", certificate), ("key", key), ("ca", authority.path)):
        target = server.folder / f"{name}.pem"
        shutil.copyfile(source, target)
        target.chmod(0o600)
        if server.identity:
            shutil.chown(target, server.identity["user"])
        options += f" -c ssl_{name}_file={target}"
    (server.folder / "data" / "pg_hba.conf").write_text(
        "local all all trust\nhostssl all all 127.0.0.1/32 cert\n"
    )
    return options


def _find(program: str) -> str | None:
    found = shutil.which(program)
    if found is None:
        candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
        found = str(candidates[0]) if candidates else None
    return found


def _unprivileged_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
