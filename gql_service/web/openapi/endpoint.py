"""`GET /openapi.json`. Everybody may read it: it tells nothing about tenants, platforms or users."""

import hashlib

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gql_service.settings import Settings
from gql_service.web.content_negotiation import JSON
from gql_service.web.openapi.document import describe

PATH = "/openapi.json"
_MAX_AGE = 3600
"""Seconds for which caches may use the document without asking."""


class OpenAPIEndpoint:
    """The document of this process, which never changes."""

    def __init__(self, settings: Settings) -> None:
        self._body = orjson.dumps(describe(settings))
        self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'

    async def __call__(self, request: Request) -> Response:
        headers = {"ETag": self._tag, "Cache-Control": f"public, max-age={_MAX_AGE}"}
        if any(self._tag in line for line in request.headers.getlist("if-none-match")):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type=JSON)
