"""The commands that move data from one database to another."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TimeRemainingColumn,
)

from gql_service.cli import runner as running
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput
from gql_service.services.context import Services
from gql_service.transfer.exporter import export as export_lines
from gql_service.transfer.importer import Summary, load
from gql_service.transfer.user_records import UserRecord

_STANDARD = "-"


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; - for standard output.")],
) -> None:
    """Write everything but access tokens to a file.

    That is tenants, platforms, users with their badges, notifications and
    documents, and definitions: one JSON object a line. Tokens are kept as
    digests, which open nothing; issue new ones. Documents come as they are
    now, with their revisions; what they were, which is history, stays behind.

    Encrypted values stay encrypted: keep the keys of the key ring with the
    file, or else nobody will read them. The key ring itself is not in it.

    The server may go on meanwhile. Users are read one after the other, so
    the export is not the picture of one moment then; but what a line names
    always stands before it, so that it can be imported.

    The order depends on the data alone: what is exported, imported into an
    empty database and exported again is the same to the byte. FILE is
    replaced at the end, and may be read by you alone.
    """
    lines = running.on_migrated(lambda services: _export(services, file))
    typer.echo(f"Exported {lines} lines.", err=file == _STANDARD)


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to read; - for standard input.")],
    from_line: Annotated[int, typer.Option(min=1, help="Pass over the lines before this one.")] = 1,
) -> None:
    """Read a file, as `export` writes it, into the database.

    Each line is stored wholly or not at all. The first broken line ends the
    import, which says what to mend: what comes before it is stored, and
    nothing of what comes after it.

    Import the same file again to go on, whatever has interrupted it: what is
    there just as a line says is passed over. What is there but differs is
    never overwritten: then the line is broken.

    Documents are held to the definitions that are there; an export tells
    definitions last, so that they do not keep out what was there before them.

    Encrypted values are stored as they are. Where the key ring lacks their
    keys, that is told at the end; only what is indexed needs its key at once.

    Of a user, only id, tenantId, username, email and createdAt are needed.
    """
    summary = running.on_migrated(lambda services: _import(services, file, from_line))
    typer.echo(f"Read {summary.read} lines: {summary.written} written, {summary.unchanged} there already.")
    if summary.lacking:
        typer.echo(
            f"Values are encrypted with keys that GQL_SERVICE_ENCRYPTION_KEYS lacks: "
            f"{', '.join(sorted(summary.lacking))}. They cannot be read until it has them.",
            err=True,
        )


async def _export(services: Services, file: str) -> int:
    async with services.database.read() as connection:
        total = await users.count_all(connection)
    lines = 0
    with (
        _target(file) as target,
        progress("Exporting users", total, MofNCompleteColumn()) as advance,
    ):
        async for entry, text in export_lines(services.database):
            target.write(text.encode() + b"\n")
            lines += 1
            if isinstance(entry, UserRecord):
                advance(1)
    return lines


async def _import(services: Services, file: str, from_line: int) -> Summary:
    with _source(file) as (source, size), progress("Importing", size, DownloadColumn()) as advance:
        return await load(services.database, source, services.rules, from_line=from_line, report=advance)


@contextmanager
def _target(file: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name only once it is whole. Raises BadUserInput."""
    try:
        if file == _STANDARD:
            output = typer.get_binary_stream("stdout")
            try:
                yield output
                output.flush()
            except OSError:  # what is buffered still would fail again, and be told, when Python ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
                raise
            return
        path = Path(file).resolve()
        if path.exists() and not path.is_file():
            raise BadUserInput(f"{file} is no ordinary file; - is standard output.")
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as target:
                yield target
                target.flush()
                os.fsync(target.fileno())
            os.replace(unfinished, path)
        except BaseException:
            os.unlink(unfinished)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadUserInput(f"{file} cannot be written: {error.strerror}.") from error


@contextmanager
def _source(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """What to read, and how many bytes that is. Raises BadUserInput."""
    if file == _STANDARD:
        yield typer.get_binary_stream("stdin"), None
        return
    try:
        with open(file, "rb") as source:
            yield source, os.fstat(source.fileno()).st_size
    except OSError as error:
        raise BadUserInput(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def progress(what: str, total: int | None, done: ProgressColumn) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal."""
    columns = ("{task.description}", BarColumn(), TaskProgressColumn(), done, TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)
