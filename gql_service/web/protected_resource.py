"""Where clients get tokens for this service: the metadata of a protected resource (RFC 9728)."""

from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gql_service.auth.scopes import SCOPE_PREFIX, Scope
from gql_service.settings import Settings

_PATH = "/.well-known/oauth-protected-resource"


def metadata_url(settings: Settings) -> str | None:
    """The URL of the metadata; None without an issuer, or if nobody knows the URL of this service."""
    resource = settings.oidc_resource_name
    if settings.oidc_issuer is None or resource is None or urlsplit(resource).scheme not in ("https", "http"):
        return None
    scheme, host, path, *_ = urlsplit(resource)
    return urlunsplit((scheme, host, _PATH + path.rstrip("/"), "", ""))


def metadata_routes(settings: Settings) -> list[Route]:
    """The routes of the metadata, where an issuer is set.

    The path of the resource follows the well-known path, which also works alone.
    """
    if settings.oidc_issuer is None:
        return []
    metadata = {
        "resource": settings.oidc_resource_name,
        "authorization_servers": [settings.oidc_issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": [*settings.oidc_scopes.split(), *_own_scopes()],
        "resource_name": "gql_service",
    }

    async def respond(_request: Request) -> Response:
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return JSONResponse(metadata, headers=headers)

    path = urlsplit(settings.oidc_resource_name or "").path.rstrip("/")
    return [Route(each, respond) for each in sorted({_PATH, _PATH + path})]


def _own_scopes() -> list[str]:
    return [SCOPE_PREFIX + scope.lower() for scope in Scope]
