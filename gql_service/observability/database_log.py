"""Database errors, for operators: what the database said, and what was asked of it. Never values."""

import time
from typing import Any

from gql_service.observability.logging import is_configured, report

_INTERVAL = 1.0
"""Seconds in which the same error of the same statement is logged once."""
_CAPACITY = 100

_logged: dict[tuple[str, str], tuple[float, int]] = {}
"""By error and statement: when it was logged last, and how often it has occurred since."""


def report_database_error(error: str, statement: str, message: str, relation: str | None = None) -> None:
    """Log an error of the database.

    `error` is SQLite's name of the error or the SQLSTATE. `statement` names its verb and its tables,
    `relation` the table that PostgreSQL blames. Commands that have not configured the log say what is wrong
    on standard error, in a line for people.
    """
    if not is_configured():
        return
    now = time.monotonic()
    logged_at, suppressed = _logged.get((error, statement), (now - _INTERVAL, 0))
    if now - logged_at < _INTERVAL:
        _logged[error, statement] = (logged_at, suppressed + 1)
        return
    if len(_logged) >= _CAPACITY:
        _logged.clear()
    _logged[error, statement] = (now, 0)
    details: dict[str, Any] = {"error": error, "statement": statement, "message": message}
    if suppressed:
        details["suppressed"] = suppressed
    if relation is not None:
        details["relation"] = relation
    report("database error", "error", **details)


def report_replica(replica: str, problem: str | None) -> None:
    """Log that a replica is used from now on, or why it is not. See `report_database_error` for commands."""
    if not is_configured():
        return
    if problem is None:
        report("replica is used", replica=replica)
    else:
        action = "The primary answers."
        report("replica is not used", "warning", replica=replica, reason=problem, action=action)


def report_files(path: str, *, are_back: bool) -> None:
    """Log that the files of the database were deleted or replaced, or are back."""
    if are_back:
        report("database files are back", "warning", path=path)
        return
    report(
        "database files were deleted or replaced",
        "error",
        path=path,
        action="Nothing is read or written. Stop all servers and commands, put the files back or restore a "
        "backup, and start the servers again.",
    )
