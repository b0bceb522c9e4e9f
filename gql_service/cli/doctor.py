"""The command `doctor`: checks what a server needs, and says for each thing that it is fine or what to do."""

import asyncio
import os
import shlex
import shutil
import stat
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import NamedTuple

import typer
from sqlalchemy.engine import make_url

from gql_service import instants
from gql_service.app import build_services
from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, count_of, table_of
from gql_service.domain import tenants
from gql_service.domain.maintenance import inspection
from gql_service.environment import InvalidSettings, read_server_settings
from gql_service.errors import BadUserInput, Rejected, ServiceError
from gql_service.services.context import Services
from gql_service.services.jwt_callers import open_issuer
from gql_service.settings import Settings
from gql_service.store.database import Replicas
from gql_service.store.revisions import newest_revision

_MEGABYTE = 1024 * 1024
_MIN_FREE = 256 * _MEGABYTE
"""Bytes of free disk below which writes may soon fail."""
_MAX_CLOCK_DIFFERENCE = 1000
"""Milliseconds. Expiry of tokens and values goes by the clock of each server."""
_QUESTIONS, _PAUSE = 8, 0.25
"""How often, and after how many seconds, a replica is asked until it can be used."""
_DATABASE_SUFFIXES = ("", "-wal", "-shm", ".lock")
_HEADINGS = {"check": "check", "result": "result", "message": "remark"}


class _Finding(NamedTuple):
    """The result of one check."""

    check: str
    ok: bool
    message: str
    """What is fine, or what to do."""


def doctor(as_json: AsJson = False) -> None:
    """Check the settings, the database and the machine.

    Each line says that something is ok, or what to do: the settings, the
    database, its migration, the encryption keys (every encrypted value is
    decrypted), the permissions of files, the clock, the free disk space, and
    the OpenID Connect issuer.
    Nothing is changed. Servers may run at the same time.

    The exit code is 1 if there is something to do.
    """
    findings = _findings()
    with table_of(_HEADINGS, as_json=as_json, to_cells=_cells) as add_row:
        for finding in findings:
            add_row(finding._asdict())
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _cells(row: Json) -> Json:
    return row | {"result": "ok" if row["ok"] else "TO DO"}


def _findings() -> list[_Finding]:
    try:
        settings, _documents = read_server_settings()
    except InvalidSettings as error:
        return [_Finding("settings", False, message) for message in error.problems]
    number = count_of(len(settings.model_fields_set), "setting", "settings")
    found = [_Finding("settings", True, f"{number} from the environment, the others have their defaults")]
    return found + asyncio.run(_findings_about(settings))


async def _findings_about(settings: Settings) -> list[_Finding]:
    services = build_services(settings)
    try:
        found = [await _attempt("database", _check_database(services))]
        if found[0].ok:
            found.append(await _attempt("migration", _check_migration(services)))
            if found[1].ok:
                found.append(await _attempt("encryption keys", _check_keys(services)))
            found.append(await _attempt("clock", _check_clock(services)))
            if services.lists.replicas is not None:
                found += await _check_replicas(services.lists.replicas)
            if settings.oidc_issuer is not None:
                found.append(await _attempt("issuer", _check_issuer(services)))
    finally:
        if services.lists.replicas is not None:
            await services.lists.replicas.close()
        await services.database.close()
    return [*found, *_check_files(settings), *_check_disk(settings)]


async def _attempt(check: str, work: Awaitable[str]) -> _Finding:
    """Run a check, which returns what is fine, or raises an error with what to do."""
    try:
        return _Finding(check, True, await work)
    except (ServiceError, Rejected) as error:
        return _Finding(check, False, error.message)
    except Exception as error:  # drivers have errors of many kinds, and the other checks must go on
        return _Finding(check, False, f"{error or type(error).__name__}")


async def _check_database(services: Services) -> str:
    path = _database_file(services.settings)
    if path is not None and not path.exists():  # connecting would create it
        raise BadUserInput(f"There is no file {path}. Run: gql-service migrate")
    kind = services.settings.database_kind
    async with services.database.read() as connection:
        return f"{kind} {await inspection.version(connection, kind)} responds"


async def _check_migration(services: Services) -> str:
    await runner.require_migrated(services)
    return f"{newest_revision()} is the newest"


async def _check_keys(services: Services) -> str:
    keys = services.write_settings.keys
    values = await inspection.check_encrypted_values(services.database, keys)
    if values.failures:
        reasons = "; ".join(f"{number} because {reason}" for reason, number in values.failures.items())
        raise BadUserInput(
            f"{sum(values.failures.values())} of {values.total} encrypted values cannot be decrypted: "
            f"{reasons}. Add the missing keys to GQL_SERVICE_ENCRYPTION_KEYS, or restore a backup."
        )
    active = services.settings.active_key
    return f"{count_of(values.total, 'encrypted value', 'encrypted values')} can be decrypted; " + (
        f"{active} is the active key" if active else "there is no key, so new values cannot be encrypted"
    )


async def _check_clock(services: Services) -> str:
    if services.settings.database_kind == "SQLite":
        now = instants.rfc3339(services.clock() // 1000 * 1000)
        return f"it is {now}; SQLite uses the clock of this machine"
    async with services.database.read() as connection:
        before = services.clock()
        theirs = await inspection.clock(connection)
        after = services.clock()
    ahead = theirs - after if theirs > after else min(theirs - before, 0)
    if abs(ahead) > _MAX_CLOCK_DIFFERENCE:
        raise BadUserInput(
            f"The clock of the database is {abs(ahead)} ms {'ahead of' if ahead > 0 else 'behind'} "
            "the clock of this machine. Synchronise both with NTP."
        )
    return f"the clocks of the database and of this machine differ by {abs(ahead)} ms at least"


async def _check_issuer(services: Services) -> str:
    settings, problems = services.settings, list[str]()
    issuer = open_issuer(settings, services.clock, problems.append)
    assert issuer is not None
    try:
        metadata = await issuer.metadata()
    finally:
        await issuer.close()
    if metadata is None or not metadata.keys:
        reason = problems[0] if problems else "it has no key for the algorithms of the settings"
        raise BadUserInput(f"The issuer {settings.oidc_issuer} cannot be used: {reason}. Check its address.")
    async with services.database.read() as connection:
        if settings.oidc_tenant and not await tenants.tenant_exists(connection, settings.oidc_tenant):
            raise BadUserInput(f"There is no tenant {settings.oidc_tenant}. Set GQL_SERVICE_OIDC_TENANT.")
    return f"{count_of(metadata.keys, 'key', 'keys')} of {settings.oidc_issuer} can verify tokens"


async def _check_replicas(replicas: Replicas) -> list[_Finding]:
    """A replica that replays at once still takes a moment, so they are asked several times."""
    for _ in range(_QUESTIONS):
        await replicas.ask()
        if not any(each.problem for each in replicas.each):
            break
        await asyncio.sleep(_PAUSE)
    message = "it can answer searches, histories and lists"
    return [
        _Finding(f"replica {each.name}", each.problem is None, each.problem or message)
        for each in replicas.each
    ]


def _check_files(settings: Settings) -> Iterator[_Finding]:
    """The files that hold data: only their owner may read them, and commands must run as their owner."""
    problems = [problem for path in _private_files(settings) for problem in _file_problems(path)]
    if problems:
        yield from (_Finding("files", False, problem) for problem in problems)
    else:
        number = sum(1 for _ in _private_files(settings))
        message = f"{count_of(number, 'file is', 'files are')} readable by the owner only"
        yield _Finding("files", True, message if number else "this machine has no files of the service")


def _private_files(settings: Settings) -> Iterator[Path]:
    database = _database_file(settings)
    candidates = [Path(f"{database}{suffix}") for suffix in _DATABASE_SUFFIXES] if database else []
    if settings.security_log is not None:
        candidates.append(settings.security_log)
    return (path for path in candidates if path.is_file())


def _file_problems(path: Path) -> Iterator[str]:
    status = path.stat()
    mode, quoted = stat.S_IMODE(status.st_mode), shlex.quote(str(path))
    if mode & 0o077:
        yield f"Others may open {path} ({mode:04o}). Run: chmod 600 {quoted}"
    if status.st_uid != os.geteuid():
        yield f"{path} belongs to the user {status.st_uid}, not to {os.geteuid()}. Run commands as its owner."
    elif not mode & stat.S_IRUSR or not mode & stat.S_IWUSR:
        yield f"The owner cannot read and write {path}. Run: chmod 600 {quoted}"


def _check_disk(settings: Settings) -> Iterator[_Finding]:
    path = _database_file(settings)
    if path is None:
        yield _Finding("disk", True, "the data is on the disk of PostgreSQL; watch it there")
    elif not path.parent.is_dir():
        yield _Finding("disk", False, f"There is no folder {path.parent}. Create it.")
    else:
        free = shutil.disk_usage(path.parent).free
        size = path.stat().st_size if path.exists() else 0
        needed = max(size, _MIN_FREE)
        text = f"{free // _MEGABYTE} MiB are free; the database has {size // _MEGABYTE} MiB"
        if free >= needed:
            yield _Finding("disk", True, text)
        else:
            advice = f"Free at least {needed // _MEGABYTE} MiB, the room of a backup, in {path.parent}"
            yield _Finding("disk", False, f"{advice}: {text}.")


def _database_file(settings: Settings) -> Path | None:
    """The file of SQLite; None for PostgreSQL."""
    is_sqlite = settings.database_kind == "SQLite"
    return Path(make_url(settings.database_url).database or "") if is_sqlite else None
