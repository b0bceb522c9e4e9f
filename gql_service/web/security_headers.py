"""The headers that protect browsers: on every response, and more on pages.

A response that is not a page has a policy that forbids everything, in case a browser displays it. The policy
is not one of uvicorn's default headers: uvicorn would send it beside that of a page, and browsers obey both.

`Strict-Transport-Security` is missing. Only the proxy knows whether all of its host is served with TLS.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""uvicorn adds these headers to every response, its own errors included."""

_POLICY = b"content-security-policy"
API_HEADERS = ((_POLICY, b"default-src 'none'; frame-ancestors 'none'"),)
"""The headers of responses that are not pages. Code that bypasses the application adds them itself."""

_FORBIDDEN_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")


def page_headers(policy: str) -> dict[str, str]:
    """The headers of a page and of the files that it loads, with its content security policy."""
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FORBIDDEN_FEATURES),
    }


class ProtectResponses:
    """The outermost middleware: adds `API_HEADERS` to responses without a content security policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                if all(name.lower() != _POLICY for name, _ in headers):
                    message = {**message, "headers": [*headers, *API_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_protected)
