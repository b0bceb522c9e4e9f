"""Health checks. `/health/live`: the process responds. `/health/ready`: its database can be used, too, and it
does not stop.
"""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gql_service.errors import Unavailable
from gql_service.store.database import Database

_MAX_AGE = 0.2
"""Seconds for which an answer is given again, so that many checks cost as much as few."""


async def live(_request: Request) -> Response:
    """Always 200."""
    return JSONResponse({"status": "ok"})


class Ready:
    """200 if the database reads and writes and the server is not draining, or else 503 with the reason."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._probe: asyncio.Task[str | None] | None = None
        self._probed_at = 0.0

    async def __call__(self, request: Request) -> Response:
        if request.app.state.is_draining:
            return JSONResponse({"status": "draining", "reason": "The server is about to stop."}, 503)
        probe = self._probe
        if probe is None or (probe.done() and time.monotonic() - self._probed_at > _MAX_AGE):
            probe = self._probe = asyncio.create_task(self._find_problem())
        # A client that disconnects must not cancel the probe of the others.
        reason = await asyncio.shield(probe)
        if reason is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable", "reason": reason}, 503)

    async def _find_problem(self) -> str | None:
        try:
            await self._database.probe()
            return None
        except Unavailable as error:
            return error.message
        finally:
            self._probed_at = time.monotonic()
