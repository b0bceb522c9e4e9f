"""Observing SQL statements: the log of slow ones."""

from time import perf_counter

import structlog


class StatementObserver:
    """Told of the end of every statement, see `store.connection.OnStatement`."""

    def __init__(self, slow_statement: int | None) -> None:
        """`slow_statement` is in milliseconds; None if slow statements are not logged."""
        self._slow_seconds = None if slow_statement is None else slow_statement / 1000

    def __call__(self, name: str, started: float, _error: BaseException | None) -> None:
        seconds = perf_counter() - started
        if self._slow_seconds is not None and seconds >= self._slow_seconds:
            structlog.get_logger("gql_service").warning(
                "slow statement", statement=name, duration_ms=round(seconds * 1000, 3)
            )
