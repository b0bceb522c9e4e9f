"""The outermost layer: whatever nobody expected is logged once and answered without its details."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_service.observability.logging import report_unexpected


class MaskErrors:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def observed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            id = report_unexpected(error)
            if started or scope["type"] != "http":
                raise
            body = {"error": f"Internal error; the operators find it by the id {id}."}
            await JSONResponse(body, 500)(scope, receive, send)
