"""The commands `backup` and `restore`. For PostgreSQL, they print the command of its own tools."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from sqlalchemy.engine import make_url

from gql_service.app import build_services
from gql_service.cli import runner
from gql_service.cli.database_url import for_tools
from gql_service.cli.output import AsJson, Json, count_of, exit_with_error, print_result, printable
from gql_service.errors import BadUserInput
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.settings import Settings
from gql_service.store import migrations, sqlite_backup
from gql_service.store.event_gaps import POSTGRES_STATEMENT
from gql_service.store.sqlite_backup import Contents


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file.")],
    as_json: AsJson = False,
) -> None:
    """Copy the SQLite database to a new file, while servers run.

    The copy is that of a single moment. It is verified: its integrity, its
    migration, and the number of rows in each table. Only you can read it. An
    existing file is never replaced. Keep the encryption keys as well, but not
    in the same place.

    For PostgreSQL, this prints how to use pg_dump, and the exit code is 1.
    """
    settings = runner.settings()
    if settings.database_kind == "PostgreSQL":
        url, quoted = shlex.quote(for_tools(settings.database_url)), shlex.quote(str(file))
        _exit_with_tool(f"pg_dump --format=custom --file={quoted} --dbname={url}", as_json=as_json)
    runner.open_security_log(settings)
    with _expected_errors():
        contents = sqlite_backup.back_up(_path(settings), file)
    _log(EventKind.DATABASE_BACKED_UP, contents, settings)
    message = f"Backed up to {printable(str(file))} and verified. It has {_summary(contents)}."
    print_result(message, _document(file, contents), as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that backup has written.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the database that exists.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the SQLite database a copy of a backup.

    Stop all servers first. The backup is verified before the database is
    replaced, in one step. A backup of an older version needs migrate after
    it. A database that exists is replaced only with --force, and with it
    everything that was written after the backup.

    For PostgreSQL, this prints how to use pg_restore, and the exit code is 1.
    """
    settings = runner.settings()
    if settings.database_kind == "PostgreSQL":
        url, quoted = shlex.quote(for_tools(settings.database_url)), shlex.quote(str(file))
        options = "--clean --if-exists --no-owner --single-transaction"
        gap = f"psql --quiet --dbname={url} --command={shlex.quote(POSTGRES_STATEMENT)}"
        _exit_with_tool(f"pg_restore {options} --dbname={url} {quoted} && {gap}", as_json=as_json)
    runner.open_security_log(settings)
    target = _path(settings)
    with _expected_errors():
        _require_known(file, sqlite_backup.inspect(file))
        if Path(target).exists() and not force:
            raise BadUserInput(f"{target} exists already. To replace it, use --force.")
    if Path(target).exists() and not yes:
        question = f"Replace {printable(target)}, and lose all that was written after the backup?"
        typer.confirm(question, abort=True, err=True)
    with _expected_errors():
        contents = sqlite_backup.restore(file, target)
    _log(EventKind.DATABASE_RESTORED, contents, settings)
    is_current = migrations.state_of(contents.revision) is migrations.State.CURRENT
    advice = "" if is_current else "\nIt is from an older version. Run: gql-service migrate"
    message = f"Restored {printable(target)} and verified it. It has {_summary(contents)}.{advice}"
    document = _document(Path(target), contents) | {"upToDate": is_current}
    print_result(message, document, as_json=as_json)


def _log(kind: EventKind, contents: Contents, settings: Settings) -> None:
    """Write a line to the security log: a copy holds the data of all users."""
    rows = sum(contents.rows.values())
    runner.log_events(build_services(settings), [SecurityEvent(kind, number=rows)])


def _require_known(file: Path, contents: Contents) -> None:
    """Raises BadUserInput."""
    if contents.revision is None:
        raise BadUserInput(f"{file} is no backup of gql-service.")
    if migrations.state_of(contents.revision) is migrations.State.UNKNOWN:
        raise BadUserInput(f"{file} is from a newer gql-service. Install that version.")


@contextmanager
def _expected_errors() -> Iterator[None]:
    """End the command with a message if a file cannot be read or written, or for another expected error."""
    with runner.expected_errors():
        try:
            yield
        except OSError as error:
            raise BadUserInput(f"{error.filename}: {error.strerror}") from None


def _path(settings: Settings) -> str:
    return make_url(settings.database_url).database or ""


def _document(file: Path, contents: Contents) -> Json:
    return {
        "file": str(file),
        "size": contents.size,
        "migration": contents.revision,
        "rows": contents.rows,
    }


def _summary(contents: Contents) -> str:
    rows = count_of(sum(contents.rows.values()), "row", "rows")
    return (
        f"{rows} in {count_of(len(contents.rows), 'table', 'tables')}, and the migration {contents.revision}"
    )


def _exit_with_tool(command: str, *, as_json: bool) -> NoReturn:
    """Print the command that does the work for PostgreSQL, and end with exit code 1: nothing was done."""
    print_result(command, {"command": command}, as_json=as_json)
    exit_with_error(
        "PostgreSQL has its own tools: run the command above, with the password in PGPASSWORD or ~/.pgpass."
    )
