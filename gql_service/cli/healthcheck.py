"""The command `healthcheck`: asks a running server whether it is ready, for the checks of containers."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import typer

from gql_service.cli.output import AsJson, exit_with_error, print_result

_READY = 200
_MAX_ANSWER = 4096
"""Bytes of the answer that are read: more is not the answer of this service."""


def healthcheck(
    url: Annotated[
        str, typer.Option(metavar="URL", help="What to ask.")
    ] = "http://127.0.0.1:8000/health/ready",
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.001, help="How long to wait.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Ask a running server whether it is ready.

    The exit code is 0 if it is, and 1 if it is not or does not answer. This
    needs neither curl nor settings, and ignores the proxies of the
    environment.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        exit_with_error(f"{url!r} is not a URL such as http://127.0.0.1:8000/health/ready.")
    try:
        status, body = _get(parts, timeout)
    except (OSError, HTTPException, ValueError) as error:
        exit_with_error(f"{url} does not answer: {error or type(error).__name__}")
    if status != _READY:
        exit_with_error(f"{url} answers {status}: {_reason(body)}")
    print_result("The server is ready.", {"ready": True}, as_json=as_json)


def _get(url: SplitResult, timeout: float) -> tuple[int, bytes]:
    """The status and the body of the answer. Raises OSError, HTTPException or ValueError."""
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.hostname or "", url.port, timeout=timeout)
    try:
        target = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        connection.request("GET", target, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(_MAX_ANSWER)
    finally:
        connection.close()


def _reason(body: bytes) -> str:
    """The reason in the answer of a server that is not ready, or else the answer itself."""
    text = body.decode(errors="replace").strip()
    try:
        return str(json.loads(text)["reason"])
    except (ValueError, TypeError, KeyError):
        return text
