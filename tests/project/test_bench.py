"""The data and the requests of the benchmark fit the service. Nothing is measured here."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import agreement, backends
from bench.data import Dataset, load
from bench.servers import serving as serving_peer
from bench.works import ONE, WORKS
from tests.support.service import Service, serving


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Dataset]]:
    path: Path = tmp_path_factory.mktemp("bench") / "data.sqlite3"
    url = f"sqlite+aiosqlite:///{path}"
    dataset = asyncio.run(load(url, 100, conditional=True))
    with serving(url) as service:
        yield service, dataset


@pytest.mark.parametrize("name", WORKS)
def test_a_request_of_each_work_succeeds(loaded: tuple[Service, Dataset], name: str) -> None:
    service, dataset = loaded
    work = WORKS[name]
    headers = {"Authorization": f"Bearer {dataset.tokens[work.caller]}", "Content-Type": "application/json"}
    for body in work.bodies(dataset, 0)[: len(work.parts) or 1]:
        response = service.client.post(work.path, content=body, headers=headers)
        assert response.status_code == 200
        assert "errors" not in response.json(), response.text


def test_users_of_the_benchmark_are_found(loaded: tuple[Service, Dataset]) -> None:
    service, dataset = loaded
    query = '{ users(where: {text: "user 000007"}) { nodes { username } } }'
    headers = {"Authorization": f"Bearer {dataset.tokens['admin']}"}
    response = service.client.post("/graphql", json={"query": query}, headers=headers)
    assert response.json() == {"data": {"users": {"nodes": [{"username": "user_000007"}]}}}


def test_the_servers_on_python_do_the_same_work(tmp_path: Path) -> None:
    """Equal responses, equal rows after the same patches, and the same refusals."""
    with ExitStack() as stack:
        backend = stack.enter_context(backends.running("sqlite", tmp_path))
        url, dataset = backend.loaded(100)
        probe, token = ONE.bodies(dataset, 0)[0], dataset.tokens[ONE.caller]
        servers = [
            stack.enter_context(serving_peer(name, backend.copy(url), probe, token, tmp_path))
            for name in ("ours", "floor", "plain")
        ]
        agreement.check(servers, list(WORKS.values()), dataset, backend)
        backend.execute(servers[1].url, "UPDATE events SET changed_keys = '[]'")
        with pytest.raises(RuntimeError, match="of floor"):
            agreement.check(servers, [ONE], dataset, backend)
