"""The application: creates all parts of the service, and connects them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from time import perf_counter
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from gql_service import instants
from gql_service.auth.policy import Policy
from gql_service.domain.events.pruning import prune
from gql_service.domain.maintenance import deletion, expiry
from gql_service.domain.maintenance.retention_walk import RetentionWalk
from gql_service.domain.maintenance.user_change_retention import UserChangeWalk
from gql_service.domain.retention import DAY, Retention
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.validation import Limits, WriteSettings
from gql_service.domain.webhooks import deliveries
from gql_service.engine.document.cache import DocumentCache
from gql_service.environment import is_set, read_server_settings, read_trusted_documents
from gql_service.observability import logging
from gql_service.observability.access_log import AccessLog
from gql_service.observability.current_request import Part, note_part
from gql_service.observability.metrics import (
    DOCUMENT_LOOKUPS,
    DOCUMENTS,
    DOCUMENTS_SIZE,
    LIST_READS,
    LOADER_WAITING,
    POOL,
    REPLICAS,
    WAITING_WRITES,
    Labels,
    Metrics,
)
from gql_service.observability.requests import RequestObserver, open_traces
from gql_service.observability.security_log import SecurityLog
from gql_service.observability.shared_gauges import SharedGauges
from gql_service.observability.statements import StatementObserver
from gql_service.schema.build import build_schema
from gql_service.services.background import report_failure
from gql_service.services.batch_writer import BatchWriter
from gql_service.services.context import Services
from gql_service.services.evaluation_plans import EvaluationPlans
from gql_service.services.event_numbering import EventNumbering
from gql_service.services.event_wakeups import EventWakeups
from gql_service.services.jwt_callers import Issuer, JwtCallers, open_issuer
from gql_service.services.list_routing import ListRouting
from gql_service.services.loaders import ListLoaders, Loaders
from gql_service.services.size_metrics import SizeMetrics
from gql_service.services.write_counts import WriteCounts
from gql_service.settings import Settings
from gql_service.store.database import open_database, open_replicas
from gql_service.web import health, ofrep, pages, rest
from gql_service.web.authentication import Authenticator
from gql_service.web.client_address import TrustedProxies
from gql_service.web.error_masking import MaskErrors
from gql_service.web.event_stream import EventStreamOrGraphQL
from gql_service.web.graphql import GraphQLEndpoint
from gql_service.web.live_operations import LiveOperations
from gql_service.web.lone_requests import LoneRequests
from gql_service.web.observation import ObserveRequests
from gql_service.web.ofrep import OfrepEndpoint
from gql_service.web.open_connections import OpenConnections
from gql_service.web.openapi.endpoint import PATH as OPENAPI_PATH
from gql_service.web.openapi.endpoint import OpenAPIEndpoint
from gql_service.web.protected_resource import metadata_routes
from gql_service.web.security_headers import DEFAULT_HEADERS, ProtectResponses
from gql_service.web.throttle import FailedAuthentications
from gql_service.web.waves import Waves
from gql_service.web.websocket import WebSocketEndpoint

EXPOSED_HEADERS = ("ETag", "Retry-After", "X-Request-Id", "X-Read-After", "Idempotency-Replayed")
"""The response headers that scripts of allowed origins may read."""


def create_app(
    settings: Settings | None = None,
    trusted_documents: Sequence[str] | None = None,
    *,
    clock: Callable[[], int] = instants.now,
) -> Starlette:
    """The ASGI application of one process.

    By default, `settings` are read from the environment, and the texts of trusted documents from the folder.
    Raises InvalidSettings.
    """
    if settings is None:
        settings, trusted_documents = read_server_settings()
    elif trusted_documents is None:
        trusted_documents = read_trusted_documents(settings)
    logging.configure(settings.log_level, settings.security_log)
    services = build_services(settings, clock)
    metrics = None if settings.metrics_folder is None else Metrics(settings.metrics_folder)
    if settings.slow_statement is not None or metrics is not None or settings.tracing:
        services.database.on_statement = StatementObserver(
            settings.slow_statement, metrics, traces=settings.tracing
        )
    issuer = open_issuer(settings, clock)
    authenticator = Authenticator(
        services.loaders,
        FailedAuthentications(settings.max_failed_authentications, services.security_log, clock),
        TrustedProxies(settings.trusted_proxies),
        None if issuer is None else _jwt_callers(issuer, services),
    )
    access_log = AccessLog() if settings.access_log else None
    traces = open_traces(has_sampler=is_set("OTEL_TRACES_SAMPLER")) if settings.tracing else None
    observer = RequestObserver(access_log, settings.slow_request, metrics, traces)
    schema = build_schema(settings)._schema
    graphql = GraphQLEndpoint(schema, services, settings, authenticator, observer, trusted_documents)
    if settings.tracing:
        services.loaders.observe(_note_read)
        services.lists.observe(_note_read)
    connections = OpenConnections(authenticator, services.database, clock, settings.max_user_subscriptions)
    operations = LiveOperations(
        schema, graphql.documents, graphql.persisted_documents, connections, settings.max_response_size
    )
    for_people = pages.Pages(issuer if settings.oidc_client_id else None, settings.image_sources)
    http_graphql = pages.ExplorerOrGraphQL(graphql, for_people) if settings.explorer else graphql
    streams = EventStreamOrGraphQL(http_graphql, services, authenticator, operations, connections)
    sizes = None
    if metrics is not None:
        _measure(metrics, services, graphql.documents)
        sizes = SizeMetrics(services.database, SharedGauges(metrics.folder))
    rest_endpoint = rest.RestEndpoint(services, settings, authenticator)
    ofrep_endpoint = OfrepEndpoint(services, settings, authenticator, observer)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        gc.freeze()  # what exists now stays, so collections skip it; a collection before would find little
        tasks = [
            asyncio.create_task(_sweep_periodically(services, sizes)),
            asyncio.create_task(services.write_counts.run()),
        ]
        tasks += [asyncio.create_task(each) for each in (*_follow_events(services), connections.run())]
        if services.write_settings.keys.active is not None:
            # Without a key, there are no webhooks. Then, the import of an HTTP client would be in vain.
            module = import_module("gql_service.services.webhooks")
            tasks.append(asyncio.create_task(module.WebhookDispatcher(services).run()))
        if metrics is not None:
            tasks.append(asyncio.create_task(metrics.run()))
        replicas = services.lists.replicas
        if replicas is not None:
            tasks.append(asyncio.create_task(replicas.watch()))
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if replicas is not None:
            await replicas.close()
        if issuer is not None:
            await issuer.close()
        await services.write_counts.flush()
        await services.database.close()
        observer.close()
        if metrics is not None:
            metrics.flush()

    websockets = WebSocketEndpoint(services, authenticator, operations, connections)
    app = Application(
        routes=[
            *_routes("/graphql", streams),
            *_websocket_routes("/graphql", websockets),
            *_routes(rest.PATH, rest_endpoint.__call__, list(rest.METHODS)),
            Route(ofrep.PATH, ofrep_endpoint.__call__, methods=["POST"]),
            Route(f"{ofrep.PATH}/{{key:path}}", ofrep_endpoint.__call__, methods=["POST"]),
            Route(OPENAPI_PATH, OpenAPIEndpoint(settings).__call__),
            *metadata_routes(settings),
            *_routes("/health/live", health.live),
            *_routes("/health/ready", health.Ready(services.database).__call__),
            *(pages.console_routes(for_people) if settings.console else []),
            *(pages.asset_routes(settings) if settings.explorer or settings.console else []),
        ],
        middleware=[
            Middleware(ObserveRequests, observer),
            Middleware(ProtectResponses),
            *_cors(settings),
            Middleware(MaskErrors),
        ],
        exception_handlers={HTTPException: _http_error, ClientDisconnect: _disconnected},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.is_draining = False
    app.connections = connections
    app.websockets = websockets
    if not settings.cors_origins:
        app.graphql, app.ofrep = graphql, ofrep_endpoint
    app.waves = Waves(services.database.turn)
    if services.database.reads_inline:
        app.lone_requests = LoneRequests(services.database.turn)
    return app


class Application(Starlette):
    """Starlette, with shortcuts to two endpoints."""

    graphql: GraphQLEndpoint | None = None
    """`web.http_protocol` passes `POST /graphql` to it, without routing and middleware. None if CORS is
    on."""
    ofrep: OfrepEndpoint | None = None
    """The same for the evaluation of flags."""
    lone_requests: LoneRequests | None = None
    """What the protocol runs at once. None if reads have to wait."""
    waves: Waves | None = None
    """When the protocol begins the others."""
    connections: OpenConnections | None = None
    """What to end when the server stops."""
    websockets: WebSocketEndpoint | None = None
    """`web.websocket_protocol` passes connections to it in the same way."""


async def _sweep_periodically(services: Services, sizes: SizeMetrics | None) -> None:
    """Delete what has expired or is kept too long, at the interval of the settings; then measure the rest.

    A failure is logged, and tried again later.
    """
    retention = services.write_settings.retention
    walk = RetentionWalk(services.database, retention, services.clock)
    user_walk = UserChangeWalk(services.database, retention, services.clock)
    while True:
        await asyncio.sleep(services.settings.sweep_interval)
        try:
            await expiry.sweep(services.database, services.clock, retention)
            await deletion.purge(services.database)
            await walk.step()
            await user_walk.step()
            await prune(services.database, services.clock() - services.settings.event_max_age * DAY)
            await deliveries.prune(services.database, services.clock())
            if sizes is not None:
                await sizes.measure_if_due()
        except Exception as error:
            report_failure(error)


def _follow_events(services: Services) -> Iterator[Coroutine[Any, Any, None]]:
    """What runs so that new events are found by those who wait for them."""
    database, wakeups = services.database, services.wakeups
    database.on_events = wakeups.wake
    if not database.numbers_events:
        numbering = EventNumbering(database, wakeups.wake)
        database.on_events = numbering.wake
        yield numbering.run()
    yield wakeups.run()


def _note_read(loader: str, count: int, started: float) -> None:
    """Note a read of a loader for the trace of the request that caused it."""
    note_part(Part(f"load {loader}", started, perf_counter(), {"gql_service.keys": count}))


def _measure(metrics: Metrics, services: Services, documents: DocumentCache) -> None:
    """Measure what is not measured by requests."""
    database, loaders, writer = services.database, services.loaders, services.writer

    def count_writes(count: int) -> None:
        metrics.writer_writes.observe((), count)

    def waiting() -> dict[Labels, float]:
        return {("documents",): writer.waiting, ("database",): database.load().waiting_writes}

    def pool() -> dict[Labels, float]:
        load = database.load()
        states = {"used": load.used_connections, "idle": load.idle_connections, "max": load.max_connections}
        return {(state,): count for state, count in states.items()}

    def replicas() -> dict[Labels, float]:
        each = services.lists.replicas.each if services.lists.replicas else ()
        used = sum(replica.has(None) for replica in each)
        return {("used",): used, ("unused",): len(each) - used}

    def lookups() -> dict[Labels, float]:
        return {("hit",): documents.lookups - documents.misses, ("miss",): documents.misses}

    for each in (loaders, services.lists):
        each.observe(lambda name, count, _started: metrics.loader_keys.observe((name,), count))
    writer.on_batch = count_writes
    metrics.read(WAITING_WRITES, waiting)
    metrics.read(
        LOADER_WAITING,
        lambda: {(name,): count for each in (loaders, services.lists) for name, count in each.waiting()},
    )
    metrics.read(POOL, pool)
    metrics.read(REPLICAS, replicas)
    metrics.read(LIST_READS, lambda: {(server,): count for server, count in services.lists.chosen.items()})
    metrics.read(DOCUMENTS, lambda: {(): len(documents)})
    metrics.read(DOCUMENTS_SIZE, lambda: {(): documents.size})
    metrics.read(DOCUMENT_LOOKUPS, lookups)


def build_services(settings: Settings, clock: Callable[[], int] = instants.now) -> Services:
    """Create the services. They connect to the database when they are first used."""
    database = open_database(settings)
    limits = Limits(
        settings.max_key_length,
        settings.max_value_size,
        settings.max_metadata_size,
        settings.max_metadata_keys,
        settings.max_json_values,
    )
    keys = KeyRing(
        {id: key.get_secret_value() for id, key in settings.encryption_keys.items()}, settings.active_key
    )
    retention = Retention(
        settings.history_max_age or None, settings.history_max_changes or None, settings.idempotency_max_age
    )
    write_settings = WriteSettings(limits, keys, retention)
    policy = Policy(settings.admin_permission)
    loaders = Loaders(database, clock, settings.max_read_size, policy)
    counts = WriteCounts(database, clock)
    waiting = max(1, settings.database_pool_size // 2)
    return Services(
        database=database,
        loaders=loaders,
        evaluation_plans=EvaluationPlans(loaders),
        lists=ListRouting(
            database, open_replicas(settings, database), lambda source: ListLoaders(source, clock)
        ),
        writer=BatchWriter(database, write_settings, clock, waiting, counts),
        write_counts=counts,
        policy=policy,
        write_settings=write_settings,
        settings=settings,
        security_log=SecurityLog(clock),
        wakeups=EventWakeups(database),
        clock=clock,
        started_at=clock(),
    )


def _jwt_callers(issuer: Issuer, services: Services) -> JwtCallers:
    return JwtCallers(
        issuer,
        services.loaders,
        services.database,
        services.policy,
        services.settings,
        services.security_log,
        services.clock,
    )


def server_options(settings: Settings) -> dict[str, Any]:
    """The options of uvicorn with which the application is served."""
    return {
        "http": "gql_service.web.http_protocol:HttpProtocol",
        "ws": "gql_service.web.websocket_protocol:WebSocketProtocol",
        "ws_max_size": settings.max_body_size,
        "ws_ping_interval": settings.subscription_ping_interval,
        "ws_ping_timeout": settings.subscription_ping_interval,
        "ws_per_message_deflate": False,  # it takes much memory for each connection
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": settings.keep_alive,
        "headers": list(DEFAULT_HEADERS.items()),
    }


def print_schema(view: Literal["complete", "api", "subgraph"] = "complete") -> str:
    """The schema in the GraphQL schema definition language: complete, without federation, or for gateways."""
    schema = build_schema()
    views = {"complete": schema.as_str, "api": schema.as_api_str, "subgraph": schema.as_subgraph_str}
    return views[view]()


def _routes(path: str, endpoint: Callable[..., Any], methods: list[str] | None = None) -> list[Route]:
    """The routes of a path with and without its trailing slash.

    A redirect would name the host and the scheme of the request, which are those of the proxy's connection.
    """
    path = path.rstrip("/")
    return [Route(each, endpoint, methods=methods) for each in (path, f"{path}/")]


def _websocket_routes(path: str, endpoint: ASGIApp) -> list[WebSocketRoute]:
    """The same for WebSockets."""
    return [WebSocketRoute(each, endpoint) for each in (path, f"{path}/")]


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
    ]


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": f"{error.detail}."}, error.status_code, headers=dict(error.headers or {}))


async def _disconnected(_request: Request, _error: Exception) -> Response:
    """For clients that disconnect while they send; nobody receives this response."""
    return Response(status_code=400)
