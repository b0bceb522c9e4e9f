"""Health checks. `/health/live`: the process responds. `/health/ready`: it does not stop, and its database
responds.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gql_service.errors import Unavailable
from gql_service.store.database import Database
from gql_service.store.statement import PING


async def live(_request: Request) -> Response:
    """Always 200."""
    return JSONResponse({"status": "ok"})


class Ready:
    """200 if the database responds in time and the server is not draining, or else 503 with the reason."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, request: Request) -> Response:
        if request.app.state.is_draining:
            return JSONResponse({"status": "draining", "reason": "The server is about to stop."}, 503)
        try:
            async with self._database.read() as connection:
                await connection.fetch(PING)
        except Unavailable as error:
            return JSONResponse({"status": "unavailable", "reason": error.message}, 503)
        return JSONResponse({"status": "ok"})
