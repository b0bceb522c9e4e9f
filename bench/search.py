"""`python -m bench.search`: measures how long it takes to find users by their metadata, among few and among
many."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from bench import backends
from bench.data import PLATFORM
from gql_service.domain.search.index import equality_digest
from gql_service.settings import Settings
from gql_service.store import tables
from tests.support.service import serving

_CHUNK = 5000
_QUERY = """query ($key: String!, $where: UserFilter) { platform(key: $key) {
  users(first: 50, where: $where) { nodes { username } } } }"""
_BOTH = _QUERY, _QUERY.replace("nodes", "totalCount nodes")


def _works(users: int) -> dict[str, list[dict[str, Any]]]:
    """The searches. Some match a share of the users, so they match more if there are more users."""
    middle = users // 2
    crm_ids = [f"crm-{number:06}" for number in range(0, users, users // 10)]
    few = {"greaterThanOrEqual": middle, "lessThan": middle + users // 100}
    return {
        "equals: 1 user": [{"key": "crmId", "equals": f"crm-{middle:06}"}],
        "equals: every 5th": [{"key": "plan", "equals": "plan-3"}],
        "in: 10 users": [{"key": "crmId", "in": crm_ids}],
        "prefix: 10 users": [{"key": "crmId", "prefix": f"crm-{middle:06}"[:-1]}],
        "prefix: all": [{"key": "crmId", "prefix": "crm-"}],
        "range: every 100th": [{"key": "score"} | few],
        "range: half": [{"key": "score", "greaterThanOrEqual": middle}],
        "exists: all": [{"key": "score", "exists": True}],
        "equals and range": [{"key": "plan", "equals": "plan-3"}, {"key": "score"} | few],
    }


def _rows(ids: Sequence[str], platform_id: str) -> Iterator[dict[str, Any]]:
    for number, id in enumerate(ids):
        for key, words, value in (
            ("plan", f"plan-{number % 5}", None),
            ("crmId", f"crm-{number:06}", None),
            ("score", None, float(number)),
        ):
            digest = equality_digest(str(number) if words is None else f'"{words}"')
            row = {"user_id": id, "platform_id": platform_id, "key": key, "equality": digest}
            yield row | {"text_value": words, "number_value": value, "encrypted": False}


async def _index(url: str) -> None:
    """Give every user three indexed entries, written directly to the database."""
    engine = create_async_engine(Settings(database_url=url).database_url)
    async with engine.begin() as transaction:
        ids = (await transaction.execute(select(tables.users.c.id))).scalars().all()
        platform = select(tables.platforms.c.id).where(tables.platforms.c.key == PLATFORM)
        platform_id = (await transaction.execute(platform)).scalar_one()
        rows = list(_rows(ids, platform_id))
        for start in range(0, len(rows), _CHUNK):
            await transaction.execute(insert(tables.metadata_index), rows[start : start + _CHUNK])
    if url.startswith("postgres"):
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM ANALYZE"))
    await engine.dispose()


def _median(client: httpx.Client, query: str, where: Any, rounds: int) -> float:
    """Milliseconds per request, after two warm-up requests."""
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        variables = {"key": PLATFORM, "where": {"metadata": where}}
        response = client.post("/graphql", json={"query": query, "variables": variables}).json()
        times.append((time.perf_counter() - start) * 1000)
        assert "errors" not in response, response
    return statistics.median(times[2:])


def main(
    users: Annotated[str, typer.Option(help="Numbers of users.")] = "1000,100000",
    backend_names: Annotated[str, typer.Option("--backends", help="Databases.")] = "sqlite,postgres",
    rounds: Annotated[int, typer.Option(min=1, help="Requests of each kind.")] = 25,
) -> None:
    """Print a table with the median time of each search over HTTP, one request after the other."""
    sizes, columns = [int(each) for each in users.split(",")], dict[str, dict[str, list[float]]]()
    for name in backend_names.split(","):
        with tempfile.TemporaryDirectory() as folder, backends.running(name, Path(folder)) as backend:
            for size in sizes:
                url, dataset = backend.loaded(size)
                asyncio.run(_index(url))
                column = columns[f"{name}, {size:,} users"] = {}
                with serving(url, log_level="error") as service:
                    service.client.headers["Authorization"] = f"Bearer {dataset.tokens['admin']}"
                    for work, where in _works(size).items():
                        column[work] = [_median(service.client, query, where, rounds) for query in _BOTH]
    typer.echo(f"| ms: a page of 50 / with totalCount | {' | '.join(columns)} |")
    typer.echo("|---" * (len(columns) + 1) + "|")
    for work in _works(1000):
        cells = [" / ".join(f"{each:.1f}" for each in column[work]) for column in columns.values()]
        typer.echo(f"| {work} | {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
