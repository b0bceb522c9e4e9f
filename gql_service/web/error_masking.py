"""The middleware around the routes: logs unexpected exceptions, and responds with 500 without details."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_service.observability.logging import report_unexpected


class MaskErrors:
    """Logs an unexpected exception once. The response contains only the id of the log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def send_and_note(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            id = report_unexpected(error)
            if is_started or scope["type"] != "http":
                raise
            body = {"error": f"Internal error. Report this id to the operators: {id}"}
            await JSONResponse(body, 500)(scope, receive, send)
