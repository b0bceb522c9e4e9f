"""PostgreSQL: asyncpg, READ COMMITTED with row locks, timeouts, and life behind a transaction pooler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gql_service.settings import Settings

_RETRYABLE = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_BUSY = {"55P03", "57014", "53300", "57P03"}  # lock or statement timeout, too many or no connections yet


def create_engines(settings: Settings) -> tuple[AsyncEngine, AsyncEngine]:
    """The readers, which commit every statement by themselves, and the writers; they share no pool.

    A pooler may send a statement's preparation and its execution to different server connections,
    unless a transaction holds them together, so there the readers open one.
    """

    def engine(**options: Any) -> AsyncEngine:
        return create_async_engine(
            settings.database_url,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_timeout,
            json_deserializer=str,  # JSON columns are read as the text they were written as
            connect_args=_connect_arguments(settings),
            **options,
        )

    reading = "READ COMMITTED" if settings.database_pooler else "AUTOCOMMIT"
    return engine(isolation_level=reading), engine(isolation_level="READ COMMITTED")


def _connect_arguments(settings: Settings) -> dict[str, Any]:
    """A pooler hands each transaction to any server connection: prepared statements would be missing or
    clash, and start-up parameters are refused, so there the timeouts belong to the database role."""
    arguments: dict[str, Any] = {"timeout": settings.database_timeout}
    if settings.database_pooler:
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"gql_{uuid4().hex}",
        }
    else:
        milliseconds = str(int(settings.database_timeout * 1000))
        arguments["server_settings"] = {
            "application_name": "gql_service",
            "jit": "off",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }
    return arguments


@asynccontextmanager
async def no_lock() -> AsyncIterator[None]:
    """Writers lock rows, not the database."""
    yield


def is_retryable(error: DBAPIError) -> bool:
    """Whether PostgreSQL asks for the transaction to be run again."""
    return _state(error) in _RETRYABLE


def is_busy(error: DBAPIError) -> bool:
    """Whether a timeout or a connection limit was met."""
    return _state(error) in _BUSY


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
