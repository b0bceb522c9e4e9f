"""Observing SQL statements: the log of slow ones, and metrics."""

from time import perf_counter

from gql_service.observability.current_request import Part, note_part
from gql_service.observability.logging import report
from gql_service.observability.metrics import Metrics

_EXPECTED = ("Duplicate",)
"""Names of exceptions that the service expects: a row exists already."""


class StatementObserver:
    """Told of the end of every statement, see `store.connection.OnStatement`."""

    def __init__(self, slow_statement: int | None, metrics: Metrics | None, *, traces: bool) -> None:
        """`slow_statement` is in milliseconds; None if slow statements are not logged."""
        self._slow_seconds = None if slow_statement is None else slow_statement / 1000
        self._metrics = metrics
        self._traces = traces

    def __call__(self, name: str, started: float, error: BaseException | None) -> None:
        ended = perf_counter()
        seconds = ended - started
        if self._traces:
            note_part(Part(name, started, ended, error=None if error is None else _error_class(error)))
        if self._metrics is not None:
            self._metrics.statement(name, seconds, None if error is None else _error_class(error))
        if self._slow_seconds is not None and seconds >= self._slow_seconds:
            report("slow statement", "warning", statement=name, duration_ms=round(seconds * 1000, 3))


def _error_class(error: BaseException) -> str | None:
    """SQLite's name of an error, its SQLSTATE, or the name of the exception; None for what is expected."""
    if type(error).__name__ in _EXPECTED:
        return None
    cause = error.__cause__ or error
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(name or type(cause).__name__)
