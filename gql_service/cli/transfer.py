"""The commands `export` and `import`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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

from gql_service.cli import runner
from gql_service.cli.output import AsJson, count_of, exit_with_error, print_remark, print_result
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.services.context import Services
from gql_service.transfer.exporter import export as export_lines
from gql_service.transfer.importer import Summary, import_lines
from gql_service.transfer.user_records import UserRecord

_STANDARD = "-"


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; - for standard output.")],
    as_json: AsJson = False,
) -> None:
    """Export all data except access tokens to a file.

    The file has one JSON object per line: tenants, platforms, users with
    their badges, identities, notifications and documents, and definitions.
    Tokens cannot be exported, because only digests of them are stored; issue
    new ones. Documents are exported at their current revision, without their
    history.

    Encrypted values stay encrypted. The encryption keys are not exported:
    keep them, because the values cannot be read without them.

    Servers may run at the same time. Then the export is not a snapshot of a
    single moment, but it can always be imported: each line comes after the
    lines that it refers to.

    The order of lines depends on the data only: exporting, importing into an
    empty database, and exporting again gives the same bytes. An existing FILE
    is replaced at the end of the export. Only you can read the new file.
    """
    if as_json and file == _STANDARD:
        exit_with_error("--json needs a FILE: standard output contains the export itself.")
    lines = runner.run_on_migrated(lambda services: _export(services, file))
    message = f"Exported {count_of(lines, 'line', 'lines')}."
    if file == _STANDARD:
        print_remark(message)
    else:
        print_result(message, {"lines": lines}, as_json=as_json)


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to read; - for standard input.")],
    from_line: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Skip the lines before this.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Import a file that export has written.

    The import stops at the first line with an error and reports it. All lines
    before it are stored; that line and those after it are not.

    To continue after an error or an interruption, import the same file again:
    records that are already stored and equal are skipped. A record that is
    stored with different values is never overwritten; it is an error.

    Documents must conform to the definitions stored before them. An export
    puts definitions last, so that they do not reject older documents.

    Encrypted values are stored as they are. At the end, the import reports
    the encryption keys that are not configured. Values that are indexed or
    defined need their keys during the import.

    The required fields of a user are id, tenantId, username, email and
    createdAt.
    """
    summary = runner.run_on_migrated(lambda services: _import(services, file, from_line))
    document = {
        "read": summary.read,
        "written": summary.written,
        "unchanged": summary.unchanged,
        "missingEncryptionKeys": sorted(summary.missing_keys),
    }
    lines = count_of(summary.read, "line", "lines")
    message = f"Read {lines}: {summary.written} written, {summary.unchanged} already stored."
    print_result(message, document, as_json=as_json)
    if summary.missing_keys:
        print_remark(
            "Some values are encrypted with keys that are not configured: "
            f"{', '.join(sorted(summary.missing_keys))}. "
            "Add them to GQL_SERVICE_ENCRYPTION_KEYS to read these values.",
        )


async def _export(services: Services, file: str) -> int:
    async with services.database.read() as connection:
        total = await users.count_all(connection)
    lines = 0
    with (
        _output(file) as output,
        progress("Exporting users", total, MofNCompleteColumn()) as advance,
    ):
        async for line in export_lines(services.database):
            output.write(line.text.encode() + b"\n")
            lines += 1
            if isinstance(line.record, UserRecord):
                advance(1)
    runner.log_events(services, [SecurityEvent(EventKind.DATA_EXPORTED, number=lines)])
    return lines


async def _import(services: Services, file: str, from_line: int) -> Summary:
    with _input(file) as (source, size), progress("Importing", size, DownloadColumn()) as advance:
        return await import_lines(
            services.database,
            source,
            services.write_settings,
            clock=services.clock,
            from_line=from_line,
            report=advance,
            on_commit=partial(runner.log_events, services),
        )


@contextmanager
def _output(file: str) -> Iterator[BinaryIO]:
    """Standard output, or a temporary file that replaces `file` after the block. Raises BadUserInput."""
    try:
        if file == _STANDARD:
            output = typer.get_binary_stream("stdout")
            try:
                yield output
                output.flush()
            except OSError:  # Python would flush the buffer again at exit, and report that error, too
                os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
                raise
            return
        path = Path(file).resolve()
        if path.exists() and not path.is_file():
            raise BadUserInput(f"{file} is not a regular file. Use - for standard output.")
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as output:
                yield output
                output.flush()
                os.fsync(output.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadUserInput(f"Cannot write {file}: {error.strerror}.") from error


@contextmanager
def _input(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file and its size in bytes, None for standard input. Raises BadUserInput."""
    if file == _STANDARD:
        yield typer.get_binary_stream("stdin"), None
        return
    try:
        with open(file, "rb") as source:
            yield source, os.fstat(source.fileno()).st_size
    except OSError as error:
        raise BadUserInput(f"Cannot read {file}: {error.strerror}.") from error


@contextmanager
def progress(description: str, total: int | None, count: ProgressColumn) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, if that is a terminal; the block reports the steps it has done."""
    columns = ("{task.description}", BarColumn(), TaskProgressColumn(), count, TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)
