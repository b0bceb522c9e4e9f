"""Logging: JSON lines on standard error. Bodies, variables, headers and values are never logged."""

import json
import logging
import os
import secrets
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal

from gql_service.observability.current_request import add_request

SECURITY_LOGGER = "gql_service.security"
_LOGGER = "gql_service"
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MAX_FRAMES = 12


class _JsonFormatter(logging.Formatter):
    """A line is a JSON object: the details of `report`, event, level, ids of the request, timestamp."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {**getattr(record, "details", {}), "event": record.getMessage()}
        if record.exc_info:
            line["exc_info"] = record.exc_info
        line["level"] = record.levelname.lower()
        add_request(line)
        created = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line["timestamp"] = created.replace("+00:00", "Z")
        return json.dumps(line, default=repr)


class _PrivateFileHandler(WatchedFileHandler):
    """Appends to a file that only its owner can read. Opens it again after another program has moved it.

    Lines that cannot be written go to standard error, with the others. No error is raised: what the line
    reports has already happened.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        logging.getLogger().handle(record)

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
        )


def configure(level: str, security_log: Path | None = None) -> None:
    """Send all log records, those of uvicorn included, through one JSON handler.

    The security log has a handler of its own if it has a file. Raises OSError if the file cannot be opened.
    """
    formatter = _JsonFormatter()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # its debug lines contain values of statements
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they would log each request to an issuer
    _configure_security_log(security_log, formatter)


def _configure_security_log(path: Path | None, formatter: logging.Formatter) -> None:
    """The level of the other lines does not apply to the security log. Raises OSError."""
    logger = logging.getLogger(SECURITY_LOGGER)
    logger.setLevel(logging.INFO)
    for former in list(logger.handlers):
        if isinstance(former, _PrivateFileHandler):
            logger.removeHandler(former)
            former.close()
    logger.propagate = path is None
    if path is not None:
        handler = _PrivateFileHandler(path)
        handler.setFormatter(formatter)
        logger.addHandler(handler)


def is_configured() -> bool:
    """Whether this process logs. Commands that do not say what is wrong in a line for people."""
    return any(isinstance(handler.formatter, _JsonFormatter) for handler in logging.getLogger().handlers)


def report(
    event: str,
    level: Literal["info", "warning", "error"] = "info",
    *,
    logger: str = _LOGGER,
    **details: object,
) -> None:
    """Log an event."""
    logging.getLogger(logger).log(_LEVELS[level], event, extra={"details": details})


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
    report("unexpected error", "error", id=id, type=type(error).__name__, frames=frames[-_MAX_FRAMES:])
    return id
