"""What an error of PostgreSQL or asyncpg means for a request. Each one is logged here with its cause."""

import asyncio
import ssl
from typing import TYPE_CHECKING

from gql_service.errors import BadUserInput, Locked, ServiceError, StorageFull, Unavailable
from gql_service.observability.database_log import report_database_error

try:
    import asyncpg
except ModuleNotFoundError:  # see `store.postgres`
    if not TYPE_CHECKING:
        asyncpg = None

TOO_LATE = "The database did not answer in time; try again."
BUSY = "Too many writes happen at the same time; try again."
_REFUSED = "The database refuses the connection; try again."
_UNREACHABLE = "The database cannot be reached; try again."
_LOST = "The connection to the database was lost; try again."
_READ_ONLY = "The database is read-only (a failover may be running); try again."
_OF_SQLSTATES = {
    "25006": _READ_ONLY,
    "57014": TOO_LATE,  # statement_timeout
    "40001": BUSY,
    "40P01": BUSY,
    "53300": "The database has no free connection; try again.",
    "53200": "The database has no free memory; try again.",
    "57P01": "The database is shutting down; try again.",
    "57P02": "The database is restarting; try again.",
    "57P03": "The database is starting or shutting down; try again.",
    "57P05": _LOST,  # idle_session_timeout
    "25P03": TOO_LATE,  # idle_in_transaction_session_timeout
    "28000": _REFUSED,
    "28P01": _REFUSED,
    "3D000": "The database does not exist; try again later.",
    "58000": "The database cannot read or write its files; try again later.",
    "58030": "The database cannot read or write its files; try again later.",
}
_LOCKED = "55P03"
_FULL = "53100"
ROLLED_BACK = "25P02"
"""in_failed_sql_transaction, which a COMMIT does not raise."""
_RETRYABLE = ("40001", "40P01")  # serialization_failure, deadlock_detected
_STALE = ("25006", "57P01", "57P02", "57P05", "25P03")


def is_retryable(error: BaseException) -> bool:
    """Whether PostgreSQL has rolled the transaction back because of concurrent ones."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _RETRYABLE


def is_stale(error: BaseException) -> bool:
    """Whether the session is of no more use: the server has ended it, or it has become read-only.

    Others of the pool are probably in the same state.
    """
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _STALE or isinstance(error, asyncpg.PostgresConnectionError)
    is_own = isinstance(error, TimeoutError | asyncpg.DataError)  # the latter is about an argument
    # InternalClientError: the end of the session arrived in the moment of sending.
    return isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError) and not is_own


def translate(error: Exception, statement: str = "connection") -> ServiceError | None:
    """The public error for an error of the driver, or None if it is a bug or damage. Logs the cause."""
    public = _public(error)
    if public is not None or isinstance(error, asyncpg.PostgresError):
        why = reason(error)
        message = public.message if public else "The statement failed."
        report_database_error(
            getattr(error, "sqlstate", None) or type(error).__name__,
            statement,
            f"{message} ({why})" if why else message,
            getattr(error, "table_name", None),
        )
    return public


def _public(error: Exception) -> ServiceError | None:
    if isinstance(error, asyncpg.PostgresError):
        if error.sqlstate == _FULL:
            return StorageFull()
        if error.sqlstate == _LOCKED:
            return Locked()
        if message := _OF_SQLSTATES.get(error.sqlstate or ""):
            return Unavailable(message)
        return Unavailable(_LOST) if isinstance(error, asyncpg.PostgresConnectionError) else None
    if isinstance(error, asyncpg.ClientConfigurationError):
        return BadUserInput(f"GQL_SERVICE_DATABASE_URL: {error}")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return Unavailable(_READ_ONLY)
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return Unavailable(TOO_LATE)
    if isinstance(error, ssl.SSLError):
        return Unavailable("The TLS connection to the database failed; try again later.")
    if isinstance(error, ConnectionRefusedError):
        return Unavailable(_REFUSED)
    if isinstance(error, ConnectionError):
        return Unavailable(_LOST)
    if isinstance(error, OSError):
        return Unavailable(_UNREACHABLE)
    return Unavailable(_LOST) if is_stale(error) else None


def reason(error: BaseException) -> str | None:
    """Why a connection failed, for operators. What may quote a value is left out."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError):
        return error.strerror
    if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in (
        "08",
        "28",
        "3D",
        "53",
        "57",
    ):
        return str(error)
    return None
