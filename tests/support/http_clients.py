"""HTTP clients for tests, with long timeouts and without TLS."""

import logging
from typing import Any

import httpx

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request takes a tenth of its time
PATIENCE = 120
"""Seconds after which something hangs, however slow or busy the machine is."""


def http_client(url: str = "", **more: Any) -> httpx.Client:
    """A client without TLS: loading the certificates takes longer than most tests."""
    return httpx.Client(base_url=url, timeout=PATIENCE, verify=False, **more)


def async_http_client(url: str = "", **more: Any) -> httpx.AsyncClient:
    """The same for code that awaits."""
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=False, **more)
