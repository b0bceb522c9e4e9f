"""Concurrent writes of a document that does not exist yet. `tests/durability/` has the tests under load."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.http_clients import http_client
from tests.support.world import REST, World


def test_racers_who_create_a_document_all_succeed(world: World) -> None:
    def create(number: int) -> int:
        with http_client(world.service.url) as client:
            response = client.patch(
                REST,
                params={"platform_key": world.platform_key},
                json={"metadata": {f"key{number}": number}},
                headers={"Authorization": f"Token {world.colleague.token}"},
            )
            return response.status_code

    with ThreadPoolExecutor(20) as racers:
        assert list(racers.map(create, range(20))) == [200] * 20
    assert len(world.colleague.rest("GET", world.platform_key).json()["metadata"]) == 20
