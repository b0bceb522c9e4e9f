"""Compares the engine's plans with graphql-core's execution, in one process and without HTTP.

Run `python -m bench.engine`; it prints the median of alternating rounds, in microseconds per operation.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import uvloop
from graphql import execute as by_graphql_core

from bench.data import load
from bench.works import WORKS
from gql_service.app import build_services
from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.engine.document.cache import DocumentCache
from gql_service.engine.execution.execute import execute
from gql_service.schema.build import build_schema
from gql_service.services.context import Context
from gql_service.settings import Settings

_ROUNDS, _CONCURRENT = 9, 16


async def _measure(folder: str) -> None:
    url = f"sqlite:///{folder}/bench.sqlite3"
    dataset = await load(url, 1000)
    services, schema = build_services(Settings(database_url=url)), build_schema()._schema
    documents = DocumentCache(schema, max_tokens=1000, capacity=10)
    token = tokens.parse(dataset.tokens["admin"])
    assert token is not None, "it was just issued"
    principal = await services.loaders.principals.load(token)
    assert isinstance(principal, Principal), "the token is good"
    context = Context(services, principal)
    variables_by_work = {"one": {"id": dataset.sample[0].id}, "list": {"first": 50}}
    for work, variables in variables_by_work.items():
        document = documents.get(WORKS[work].document)

        def planned(document: Any = document, variables: Any = variables) -> Any:
            return execute(schema, document, None, context, variables)

        def plain(document: Any = document, variables: Any = variables) -> Any:
            return by_graphql_core(schema, document.node, None, context, variables)

        times: dict[str, list[float]] = {"plan": [], "graphql-core": []}
        for _ in range(_ROUNDS):
            times["plan"].append(await _time(planned))
            times["graphql-core"].append(await _time(plain))
        plan, core = (statistics.median(durations) for durations in times.values())
        print(f"{work:5} plan {plan:8.1f} µs   graphql-core {core:8.1f} µs   ratio {core / plan:.1f}")
    await services.database.close()


async def _time(run: Callable[[], Any], repeat: int = 20) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        await asyncio.gather(*(run() for _ in range(_CONCURRENT)))
    return (time.perf_counter() - start) / repeat / _CONCURRENT * 1e6


def main() -> None:
    """Measure both alternately, on a database of 1,000 users."""
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_measure(folder))


if __name__ == "__main__":
    main()
