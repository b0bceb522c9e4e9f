"""The explorer: GraphiQL, built from `gql_service/explorer` and served without contacting other hosts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from gql_service.errors import BadUserInput
from gql_service.services.jwt_callers import Issuer
from gql_service.settings import Settings
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, negotiate
from gql_service.web.graphql_parameters import NAMES
from gql_service.web.request import query_parameters
from gql_service.web.security_headers import page_headers

FOLDER = Path(__file__).parent.parent / "explorer"
_BUILT = FOLDER / "dist"
_FALLBACK_SCRIPTS = ("fallback.js", "event-stream.js")
_CDN = "https://cdn.jsdelivr.net/npm"
_SHARED_POLICY = (
    "default-src 'none'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
)
# The editor sets the `style` attribute of its elements, which needs 'unsafe-inline'. Scripts are files only.
_SCRIPTS_POLICY = _SHARED_POLICY + (
    "script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src 'self'"
)
_BUILT_POLICY = f"{_SCRIPTS_POLICY}; connect-src 'self'"
_FALLBACK_POLICY = _SHARED_POLICY + (
    f"script-src 'self' {_CDN}/graphiql@4.1.2/ {_CDN}/react@18.3.1/ {_CDN}/react-dom@18.3.1/; "
    f"style-src 'unsafe-inline' {_CDN}/graphiql@4.1.2/; font-src data:; connect-src 'self'"
)


def explorer_page(origins: Iterable[str] = ()) -> Response:
    """GraphiQL or, if it was not built, a page that says so and offers to load it from a CDN.

    `origins` are those of the issuer where people sign in.
    """
    is_built = (_BUILT / "index.html").is_file()
    policy = " ".join([_BUILT_POLICY, *sorted(origins)]) if is_built else _FALLBACK_POLICY
    return FileResponse(
        _BUILT / "index.html" if is_built else FOLDER / "fallback.html",
        headers=page_headers(policy) | {"Cache-Control": "no-cache", "Vary": "Accept"},
    )


class ExplorerOrGraphQL:
    """Serves the explorer to browsers, and passes all other requests to the GraphQL endpoint."""

    def __init__(self, graphql: ASGIApp, issuer: Issuer | None) -> None:
        """`issuer` is None if people do not sign in at one."""
        self._graphql = graphql
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wants_page = scope["method"] == "GET" and _wants_page(Request(scope))
        await (await self._page() if wants_page else self._graphql)(scope, receive, send)

    async def _page(self) -> Response:
        metadata = None if self._issuer is None else await self._issuer.metadata()
        return explorer_page(() if metadata is None else metadata.origins)


def _wants_page(request: Request) -> bool:
    accept = ", ".join(request.headers.getlist("accept")).encode("latin-1")
    if negotiate(accept, (GRAPHQL_RESPONSE, JSON, "text/html")) != "text/html":
        return False
    try:
        return not query_parameters(request.scope["query_string"], NAMES).get("query")
    except BadUserInput:
        return False


class Assets(StaticFiles):
    """The built files. All have the policy of the page: workers obey that of their own file."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(page_headers(_BUILT_POLICY))
        if response.media_type == "text/html":
            response.headers["Cache-Control"] = "no-cache"
        return response


def asset_routes(settings: Settings) -> list[BaseRoute]:
    """The routes of what the page loads: its files, and where people sign in."""
    if not _BUILT.is_dir():
        return [Route(f"/explorer/{name}", _fallback_script) for name in _FALLBACK_SCRIPTS]
    sign_in = _sign_in(settings)

    async def respond(_request: Request) -> Response:
        return JSONResponse(sign_in, headers=page_headers(_BUILT_POLICY) | {"Cache-Control": "no-cache"})

    return [
        Route("/explorer/sign-in.json", respond),
        Mount("/explorer", GZipMiddleware(Assets(directory=_BUILT))),
    ]


def _sign_in(settings: Settings) -> dict[str, str | None]:
    """What the page needs to let people sign in at the issuer; empty if they cannot."""
    if settings.oidc_client_id is None:
        return {}
    resource = settings.oidc_resource_name or ""
    return {
        "issuer": settings.oidc_issuer,
        "clientId": settings.oidc_client_id,
        "scopes": settings.oidc_scopes,
        "resource": resource if "://" in resource else None,
    }


async def _fallback_script(request: Request) -> Response:
    headers = page_headers(_FALLBACK_POLICY)
    name = request.url.path.rpartition("/")[2]
    return FileResponse(FOLDER / name, media_type="text/javascript", headers=headers)
