"""The pages for people: GraphiQL at `/graphql`, the console at `/console`, and the documentation at `/docs/`.

They are built from `gql_service/frontend`, and contact no other hosts.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
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

FOLDER = Path(__file__).parent.parent / "frontend"
_BUILT = FOLDER / "dist"
_FALLBACK_SCRIPTS = ("fallback.js", "event-stream.js")
_CDN = "https://cdn.jsdelivr.net/npm"
_IMAGES = "img-src 'self' data:"
_SHARED_POLICY = (
    f"default-src 'none'; {_IMAGES}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
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


class Pages:
    """Responds with a page or, if it was not built, with one that says so and offers GraphiQL from a CDN."""

    def __init__(self, issuer: Issuer | None, image_sources: Iterable[str]) -> None:
        """`issuer` is None if people do not sign in at one. The console may load pictures of the sources."""
        self._issuer = issuer
        self._images = " ".join([_IMAGES, *image_sources])

    async def explorer(self, _request: Request) -> Response:
        return await self._page("explorer.html")

    async def console(self, _request: Request) -> Response:
        return await self._page("console.html", self._images)

    async def home(self, request: Request) -> Response:
        """At `/`, browsers get the console. For programs, there is nothing."""
        if not accepts_pages(request):
            raise HTTPException(404)
        return await self.console(request)

    async def _page(self, name: str, images: str = _IMAGES) -> Response:
        is_built = (_BUILT / name).is_file()
        policy = f"{_BUILT_POLICY} {await self._origins()}".rstrip() if is_built else _FALLBACK_POLICY
        policy = policy.replace(_IMAGES, images)
        return FileResponse(
            _BUILT / name if is_built else FOLDER / "fallback.html",
            headers=page_headers(policy) | {"Cache-Control": "no-cache", "Vary": "Accept"},
        )

    async def _origins(self) -> str:
        """Where the pages connect to when people sign in at the issuer."""
        metadata = None if self._issuer is None else await self._issuer.metadata()
        return "" if metadata is None else " ".join(sorted(metadata.origins))


class ExplorerOrGraphQL:
    """Serves the explorer to browsers, and passes all other requests to the GraphQL endpoint."""

    def __init__(self, graphql: ASGIApp, pages: Pages) -> None:
        self._graphql = graphql
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if scope["method"] == "GET" and accepts_pages(request) and not _has_query(request):
            await (await self._pages.explorer(request))(scope, receive, send)
        else:
            await self._graphql(scope, receive, send)


def accepts_pages(request: Request) -> bool:
    """Whether the request prefers a page to JSON, as browsers do."""
    accept = ", ".join(request.headers.getlist("accept")).encode("latin-1")
    return negotiate(accept, (GRAPHQL_RESPONSE, JSON, "text/html")) == "text/html"


def _has_query(request: Request) -> bool:
    try:
        return bool(query_parameters(request.scope["query_string"], NAMES).get("query"))
    except BadUserInput:
        return True


class Assets(StaticFiles):
    """The built files. All have the policy of the page: workers obey that of their own file."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(page_headers(_BUILT_POLICY))
        if response.media_type == "text/html":
            response.headers["Cache-Control"] = "no-cache"
        return response


def console_routes(pages: Pages) -> list[BaseRoute]:
    """The console finds its own pages by the path."""
    return [
        Route("/", pages.home),
        Route("/console", pages.console),
        Route("/console/{page:path}", pages.console),
    ]


def asset_routes(settings: Settings) -> list[BaseRoute]:
    """The routes of what the pages load, where people sign in, and of the documentation."""
    if not _BUILT.is_dir():
        return [Route(f"/pages/{name}", _fallback_script) for name in _FALLBACK_SCRIPTS]
    sign_in = _sign_in(settings)

    async def respond(_request: Request) -> Response:
        return JSONResponse(sign_in, headers=page_headers(_BUILT_POLICY) | {"Cache-Control": "no-cache"})

    return [
        Route("/pages/sign-in.json", respond),
        Mount("/pages", GZipMiddleware(Assets(directory=_BUILT))),
        Route("/docs", _documentation),
        Mount("/docs", GZipMiddleware(Assets(directory=_BUILT / "docs", html=True, check_dir=False))),
    ]


async def _documentation(_request: Request) -> Response:
    """Links between documents are relative to the folder. So is this: a proxy may have changed the host."""
    return RedirectResponse("docs/")


def _sign_in(settings: Settings) -> dict[str, str | None]:
    """What the pages need to let people sign in at the issuer; empty if they cannot."""
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
