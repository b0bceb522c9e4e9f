"""Backups of SQLite: a verified copy of a database that is in use, and the way back.

A copy is written to a file of its own beside its target, and verified there. It gets its name at the end, in
one step: whatever interrupts the work, there is never half a file of that name.
"""

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gql_service.errors import BadUserInput
from gql_service.store import event_gaps
from gql_service.store.sqlite_connection import create_private

_SHARED_FIRST, _SHARED_SIZE = 0x4000_0002, 510
"""The bytes of a database file that SQLite locks: shared, while a connection in WAL mode is open. See
https://www.sqlite.org/fileformat2.html#the_lock_byte_page."""
_LOG_SUFFIXES = ("-wal", "-shm")


class Contents(NamedTuple):
    """What a database file has."""

    revision: str | None
    """The migration; None if the file is no database of the service."""
    rows: dict[str, int]
    """The number of rows by table."""
    size: int
    """Bytes of the file."""


def back_up(database: str, target: Path) -> Contents:
    """Copy a database, which may be in use, to a new file that only its owner can read.

    Raises BadUserInput, OSError or sqlite3.Error. Then there is no new file.
    """
    if target.exists():
        raise _exists(target)
    with _verified_copy(_existing(database), target) as (copy, contents):
        try:
            target.touch(0o600, exist_ok=False)  # somebody else may just have taken the name
        except FileExistsError:
            raise _exists(target) from None
        os.replace(copy, target)
        _sync(target.parent)
    return contents


def inspect(file: Path) -> Contents:
    """Verify a backup. Raises BadUserInput if it is damaged or no database, and OSError."""
    try:
        with closing(_open(_existing(str(file)))) as connection:
            _verify(connection, file)
            return _contents(connection, file)
    except sqlite3.DatabaseError as error:
        raise BadUserInput(f"{file} is damaged, or is no SQLite database: {error}") from None


def restore(backup: Path, database: str) -> Contents:
    """Make a database a copy of a verified backup, in one step. Replaces the database if it exists.

    Raises BadUserInput if a server or another program has the database open, OSError or sqlite3.Error.
    """
    target = Path(database)
    if target.exists() and target.samefile(backup):
        raise BadUserInput("The backup is the database itself.")
    with _lock_of_writers(target), _verified_copy(backup, target) as (copy, contents):
        with closing(_open(copy)) as connection:
            event_gaps.add_to_sqlite(connection)
        _sync(copy)
        if target.exists():
            _merge_log(target)
        with _nobody_else(target):
            # SQLite would apply the log of the former database to the restored one.
            for suffix in _LOG_SUFFIXES:
                Path(f"{target}{suffix}").unlink(missing_ok=True)
            os.replace(copy, target)
            _sync(target.parent)
    return contents


@contextmanager
def _verified_copy(source: Path, target: Path) -> Iterator[tuple[Path, Contents]]:
    """A copy of one moment of a database, beside the target. It is deleted at the end, unless renamed."""
    if not target.parent.is_dir():
        raise BadUserInput(f"There is no folder {target.parent}.")
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)  # has the mode 0600
    os.close(descriptor)
    copy = Path(name)
    try:
        with closing(_open(source)) as original, closing(_open(copy)) as connection:
            original.execute("BEGIN")  # the rows are counted in the same moment that is copied
            expected = _contents(original, source)
            original.backup(connection)
            connection.execute("PRAGMA journal_mode=DELETE")  # so that the copy is one file
            _verify(connection, copy)
            contents = _contents(connection, copy)
        if (contents.revision, contents.rows) != (expected.revision, expected.rows):
            raise BadUserInput(f"The copy differs from {source}. Check the disk.")
        _sync(copy)
        yield copy, contents
    finally:
        for suffix in ("", "-journal", *_LOG_SUFFIXES):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def _existing(database: str) -> Path:
    path = Path(database)
    if not path.is_file():
        raise BadUserInput(f"There is no database {path}.")
    return path


def _open(path: Path) -> sqlite3.Connection:
    """Open an existing file. One that is only read would leave the files of its log behind."""
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def _verify(connection: sqlite3.Connection, file: Path) -> None:
    """Raises BadUserInput."""
    (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if problem != "ok":
        raise BadUserInput(f"{file} is damaged: {problem}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken:
        raise BadUserInput(f"{file} is damaged: a row of {broken[0]} refers to a missing row of {broken[2]}.")


def _contents(connection: sqlite3.Connection, file: Path) -> Contents:
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if not name.startswith("sqlite_")
    ]
    rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608 - names of tables, from the database itself
    revision = (
        rows.pop("alembic_version", 0)
        and connection.execute("SELECT version_num FROM alembic_version").fetchone()
    )
    return Contents(revision[0] if revision else None, rows, file.stat().st_size)


@contextmanager
def _lock_of_writers(target: Path) -> Iterator[None]:
    """Hold the file that servers lock while they write. Raises BadUserInput."""
    descriptor = os.open(f"{target}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(target) from None
        yield
    finally:
        os.close(descriptor)


def _merge_log(database: Path) -> None:
    """Write the log of the database into its file, so that nothing is missing if the restore fails later.

    A damaged database stays as it is. Raises BadUserInput if another program has it open.
    """
    with _nobody_else(database):
        pass  # first of all: closing the file later would drop the locks of this process
    with suppress(sqlite3.DatabaseError), closing(_open(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


@contextmanager
def _nobody_else(database: Path) -> Iterator[None]:
    """Keep others from opening the database. Raises BadUserInput if somebody has it open.

    This works for a damaged database, too, since SQLite does not read it.
    """
    create_private(str(database))
    with database.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
        except OSError:
            raise _in_use(database) from None
        yield


def _exists(file: Path) -> BadUserInput:
    return BadUserInput(f"{file} exists already. Choose the name of a new file.")


def _in_use(database: Path) -> BadUserInput:
    return BadUserInput(f"A server or another program has {database} open. Stop it first.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
