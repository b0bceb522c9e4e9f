"""What the errors of SQLite mean: those that pass become Unavailable. All are logged for operators."""

import errno
import os
import resource
import sqlite3
from contextlib import suppress
from tempfile import TemporaryFile

from gql_service.errors import Locked, OutcomeUnknown, StorageFull, Unavailable
from gql_service.observability.database_log import report_database_error
from gql_service.store.statement import summary

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ROOM = 64 * 1024
"""Bytes that a database needs at least to go on writing."""
_PASSING = {
    "SQLITE_IOERR": "The database cannot read or write its file.",
    "SQLITE_READONLY_DIRECTORY": "The database refuses writes: its folder is read-only.",
    "SQLITE_READONLY": "The database refuses writes: its file is read-only.",
    "SQLITE_CANTOPEN": "The database file cannot be opened.",
    "SQLITE_PERM": "The database file cannot be opened.",
    "SQLITE_PROTOCOL": "The database cannot lock its file.",
}
"""By the beginning of SQLite's name of the error, what the client is told. The first that matches counts."""


def note_statement(error: sqlite3.Error, sql: str) -> None:
    """Remember which statement has failed, for the log."""
    error.add_note(summary(sql))


def translate_error(error: Exception, path: str) -> Exception:
    """The error to raise: Unavailable for what passes, or else the error itself. Logs errors of SQLite.

    `path` is the database file.
    """
    if not isinstance(error, sqlite3.Error) or isinstance(error, sqlite3.IntegrityError):
        return error
    name = error_name(error)
    notes = getattr(error, "__notes__", ["transaction"])
    report_database_error(name, notes[0], str(error))
    return _public_error(name, path) or error


def translate_lock_error(error: Exception) -> Exception:
    """The same for what can happen to the lock file. Other errors are returned as they are."""
    if isinstance(error, TimeoutError):
        return Locked()
    if not isinstance(error, OSError):
        return error
    report_database_error(errno.errorcode.get(error.errno or 0, "OSError"), "lock file", str(error.strerror))
    return StorageFull() if error.errno in _NO_ROOM else Unavailable("The lock file cannot be opened.")


def error_name(error: sqlite3.Error) -> str:
    """SQLite's name of an error. Errors of Python's module have none."""
    return getattr(error, "sqlite_errorname", type(error).__name__)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program holds a lock."""
    return error_name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_read_only(error: Exception) -> bool:
    """Whether the connection must not write."""
    return isinstance(error, sqlite3.Error) and error_name(error).startswith("SQLITE_READONLY")


def _public_error(name: str, path: str) -> Unavailable | None:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Locked()
    if name.endswith("_FSYNC"):  # the commit is in the file already, also where the cause is a full disk
        return OutcomeUnknown()
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and has_no_room(path)):
        return StorageFull()
    messages = (message for prefix, message in _PASSING.items() if name.startswith(prefix))
    message = next(messages, None)
    return None if message is None else Unavailable(message)


def has_no_room(path: str) -> bool:
    """Whether files beside the database cannot grow: a full disk or quota, or the limit of file sizes.

    SQLite reports only a full disk as such, and the others as errors of writing.
    """
    if seems_full(path):
        return True
    try:
        with TemporaryFile(dir=os.path.dirname(path) or ".", buffering=0) as file_:
            file_.write(bytes(_ROOM))
    except OSError as error:
        return error.errno in _NO_ROOM
    return False


def seems_full(path: str) -> bool:
    """Whether it is known, without writing, that files beside the database may not grow."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    with suppress(OSError):
        for file in (path, f"{path}-wal"):
            if limit != resource.RLIM_INFINITY and os.stat(file).st_size + _ROOM > limit:
                return True
        disk = os.statvfs(path)
        return disk.f_bavail * disk.f_frsize < _ROOM
    return False
