"""The only place where the parts are joined."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gql_service import instants
from gql_service.auth.policy import Policy
from gql_service.domain.maintenance import expiry as sweeping
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.validation import Limits, WriteSettings
from gql_service.observability import logging
from gql_service.schema.build import build_schema
from gql_service.services.batch_writer import BatchWriter
from gql_service.services.context import Services
from gql_service.services.loaders import Loaders
from gql_service.settings import Settings
from gql_service.store.database import open_database
from gql_service.web import explorer, health, rest
from gql_service.web.error_masking import MaskErrors
from gql_service.web.graphql import PREFLIGHT_HEADERS, GraphQLEndpoint


def create_app(settings: Settings | None = None, *, clock: Callable[[], int] = instants.now) -> Starlette:
    """The ASGI application of one process, configured by the environment unless told otherwise."""
    settings = settings or Settings()
    logging.configure(settings.log_level)
    services = build_services(settings, clock)
    graphql = GraphQLEndpoint(build_schema()._schema, services, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        _collect_rarely()
        sweeper = asyncio.create_task(_keep_sweeping(services))
        yield
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        await services.database.close()

    app = Application(
        routes=[
            Route("/graphql", explorer.InFront(graphql) if settings.explorer else graphql),
            Route(rest.PATH, rest.RestEndpoint(services, settings).__call__, methods=list(rest.METHODS)),
            Route("/health/live", health.live),
            Route("/health/ready", health.Ready(services.database).__call__),
            *([explorer.assets()] if settings.explorer else []),
        ],
        middleware=[Middleware(MaskErrors), *_cors(settings)],
        exception_handlers={HTTPException: _http_error, ClientDisconnect: _disconnected},
        lifespan=lifespan,
    )
    app.state.services = services
    if not settings.cors_origins:
        app.graphql = graphql
    return app


class Application(Starlette):
    """Starlette, with a short cut for what comes most: posted operations need neither routing nor CORS."""

    graphql: GraphQLEndpoint | None = None
    """Where `web.protocol` takes them, unless CORS was asked for."""


def _collect_rarely() -> None:
    """What lives as long as the process is left out of garbage collection, and the rest, nearly all of
    which goes by reference counting, is looked at less often: a page of users makes thousands of objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 50)


async def _keep_sweeping(services: Services) -> None:
    """Delete what has expired, every so often; where that fails, the next time will do."""
    while True:
        await asyncio.sleep(services.settings.sweep_interval)
        try:
            await sweeping.sweep(services.database, services.clock)
        except Exception as error:
            logging.report_unexpected(error)


def build_services(settings: Settings, clock: Callable[[], int] = instants.now) -> Services:
    """What lives as long as the process; nothing is connected yet."""
    database = open_database(settings)
    limits = Limits(
        settings.max_key_length,
        settings.max_value_size,
        settings.max_metadata_size,
        settings.max_metadata_keys,
    )
    keys = KeyRing(
        {id: key.get_secret_value() for id, key in settings.encryption_keys.items()}, settings.active_key
    )
    rules = WriteSettings(limits, keys)
    return Services(
        database=database,
        loaders=Loaders(database, clock),
        writer=BatchWriter(database, rules, clock),
        policy=Policy(settings.admin_permission),
        rules=rules,
        settings=settings,
        clock=clock,
    )


def print_schema() -> str:
    """The schema in the schema definition language."""
    return build_schema().as_str()


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "If-Match",
                "If-None-Match",
                "Idempotency-Key",
                *PREFLIGHT_HEADERS,
            ],
            expose_headers=["ETag"],
            max_age=600,
        )
    ]


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": f"{error.detail}."}, error.status_code, headers=dict(error.headers or {}))


async def _disconnected(_request: Request, _error: Exception) -> Response:
    """The client hung up while sending; nobody reads this response."""
    return Response(status_code=400)
