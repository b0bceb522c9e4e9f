"""Floods of documents that are sent once: the memory of the server stays level.

`FLOOD` is the number of documents; `make test-long` raises it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.service import Service, serving
from tests.support.world import World

FLOOD = int(os.environ.get("FLOOD", "3000"))
MIB = 1024 * 1024
MOST = 100 * MIB
"""By how much the resident memory may grow; 3,000 documents took 150 MB when they were all kept."""
INLINED = """{ a%d: me {
  id username userMetadata { revision metadata history(first: 2) { nodes { revision } } }
} }"""
VALUES = ", ".join(f'k{number}: {{a: [1, "x", true, null], b: {{c: {number}.5}}}}' for number in range(40))
LITERALS = f"""mutation {{ patchPlatformMetadata(input: {{metadata: {{n: %d, {VALUES}}}}}) {{
  platformMetadata {{ revision }} userErrors {{ code }} }} }}"""
"""A write whose values are literals: each is another document, with a thousand tokens."""
UNPARSABLE = "{ me { id " + "x" * 20_000 + " #%d"


def resident_memory() -> int:
    """Bytes of this process, which the server shares."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Service]:
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}") as service:
        yield service


def persisted(query: str) -> bytes:
    hash = hashlib.sha256(query.encode()).hexdigest()
    return json.dumps(
        {"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}
    ).encode()


def plain(query: str) -> bytes:
    return json.dumps({"query": query}).encode()


@pytest.mark.parametrize(
    ("query", "encode", "count"),
    [
        (INLINED, plain, FLOOD),
        (LITERALS, plain, FLOOD // 5),
        (INLINED, persisted, FLOOD // 5),
        (UNPARSABLE, persisted, FLOOD // 10),
    ],
    ids=["documents", "values as literals", "persisted queries", "invalid persisted queries"],
)
def test_documents_that_are_sent_once_take_no_memory(
    alone: Service, query: str, encode: Callable[[str], bytes], count: int
) -> None:
    world = World(alone)
    headers = {"Content-Type": "application/json"}
    as_member = headers | {"Authorization": f"Bearer {world.member.token}"}

    def send(start: int, stop: int) -> None:
        for number in range(start, stop):
            content = encode(query % number)
            alone.client.post("/graphql", content=content, headers=as_member if number % 2 else headers)

    send(0, 200)
    before = resident_memory()
    send(200, 200 + count)
    assert resident_memory() - before < MOST


def test_a_document_is_kept_from_its_second_request_on(alone: Service) -> None:
    documents = alone.app.graphql.documents  # type: ignore[attr-defined]
    for expected in (0, 1, 1):
        alone.client.post(
            "/graphql", content=plain("{ me { id } }"), headers={"Content-Type": "application/json"}
        )
        assert len(documents._documents) == expected


def test_the_cache_is_bounded_in_bytes(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(url, max_document_cache_size=MIB) as service:
        documents = service.app.graphql.documents  # type: ignore[attr-defined]
        texts = [f"{{ a{number}: me {{ id }} }} #" + "x" * 20_000 for number in range(40)]
        for text in texts * 2:
            service.client.post(
                "/graphql", content=persisted(text), headers={"Content-Type": "application/json"}
            )
        assert 0 < documents._size <= MIB
        assert documents._size == sum(each.size for each in documents._documents.values())
        registered = service.app.graphql.persisted_documents  # type: ignore[attr-defined]
        assert 0 < registered._size <= MIB
        assert registered._size == sum(map(len, registered._registered.values()))
