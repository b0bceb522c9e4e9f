"""Logging: JSON lines on standard error. Bodies, variables, headers and values are never logged."""

import logging
import secrets
import sys
from typing import Any

import structlog

_MAX_FRAMES = 12


def configure(level: str) -> None:
    """Send all log records, those of uvicorn included, through one JSON handler."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # its debug lines contain values of statements


def report(event: str, **details: str) -> None:
    """Log an event at level `info`."""
    structlog.get_logger("gql_service").info(event, **details)


def report_unexpected(error: BaseException) -> str:
    """Log an unexpected exception. Returns the id of the log line.

    Logs the type and the stack, but not the message: messages of database drivers quote values.
    """
    id = secrets.token_hex(8)
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    structlog.get_logger("gql_service").error(
        "unexpected error", id=id, type=type(error).__name__, frames=frames[-_MAX_FRAMES:]
    )
    return id
