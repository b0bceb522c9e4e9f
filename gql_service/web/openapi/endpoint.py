"""`GET /openapi.json`. Everybody may read it: it tells nothing about tenants, platforms or users."""

import hashlib
from functools import cached_property
from importlib import import_module

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gql_service.settings import Settings
from gql_service.web.content_negotiation import JSON

PATH = "/openapi.json"
_MAX_AGE = 3600
"""Seconds for which caches may use the document without asking."""


class OpenAPIEndpoint:
    """The document of this process, which never changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _body(self) -> bytes:
        """Most processes are never asked for it."""
        describe = import_module("gql_service.web.openapi.document").describe
        return orjson.dumps(describe(self._settings))

    @cached_property
    def _tag(self) -> str:
        return f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'

    async def __call__(self, request: Request) -> Response:
        headers = {"ETag": self._tag, "Cache-Control": f"public, max-age={_MAX_AGE}"}
        if any(self._tag in line for line in request.headers.getlist("if-none-match")):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type=JSON)
