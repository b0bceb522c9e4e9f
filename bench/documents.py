"""What a document costs that was never seen before, in one process and without HTTP.

Run `python -m bench.documents`. Our parser and validator take turns with graphql-core's; it prints medians of
the processor time of a document. Then it executes many new documents, and prints how much memory each takes
although nobody will ask for it again.
"""

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from graphql import parse

from bench.data import load
from bench.works import FIRST_SEEN
from gql_service.app import build_services
from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.engine.document.cache import DocumentCache
from gql_service.engine.document.limits import DocumentLimits, check_limits
from gql_service.engine.document.parser import parse_text
from gql_service.engine.document.schema_tables import SchemaTables
from gql_service.engine.document.validation import validate_document
from gql_service.engine.document.validator import is_valid
from gql_service.engine.execution.execute import execute
from gql_service.schema.build import build_schema
from gql_service.services.context import Context
from gql_service.settings import Settings

_ROUNDS, _DOCUMENTS, _MAX_TOKENS = 9, 50, 1000
_LITERALS = """{ user(by: {userId: "@@"}) {
  username displayName platformMetadata(platformKey: "bench") { metadata } } }"""
WORKS = {"another alias": FIRST_SEEN.document, "another literal": _LITERALS}


def _texts(document: str) -> Iterator[str]:
    """Documents that differ from each other."""
    return (document.replace("@@", f"n{number}") for number in count())


def _compare_steps() -> None:
    schema = build_schema()._schema
    tables, texts = SchemaTables(schema), _texts(FIRST_SEEN.document)
    steps: dict[str, Callable[[str], object]] = {
        "graphql-core: parse": parse,
        "graphql-core: parse and validate": lambda text: validate_document(schema, parse(text), 1),
        "ours: parse": lambda text: parse_text(text, _MAX_TOKENS),
        "ours: parse and validate": lambda text: is_valid(
            tables, parse_text(text, _MAX_TOKENS) or parse(text)
        ),
        "ours: limits": lambda text: check_limits(
            parse_text(text, _MAX_TOKENS) or parse(text), DocumentLimits()
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(_ROUNDS):
        for name, step in steps.items():
            found[name].append(_cost(step, [next(texts) for _ in range(_DOCUMENTS)]))
    for name, costs in found.items():
        print(f"{name:35} {statistics.median(costs):8.1f} µs")


def _cost(step: Callable[[str], object], texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        step(text)
    return (time.process_time() - start) / len(texts) * 1e6


async def _execute(folder: str, documents: int) -> None:
    """Execute new documents, and print processor time and memory of each."""
    url = f"sqlite:///{folder}/bench.sqlite3"
    dataset = await load(url, 1000)
    services, schema = build_services(Settings(database_url=url)), build_schema()._schema
    cache = DocumentCache(schema, max_tokens=_MAX_TOKENS, capacity=1000)
    token = tokens.parse(dataset.tokens["admin"])
    assert token is not None, "it was just issued"
    principal = await services.loaders.principals.load(token)
    assert isinstance(principal, Principal), "the token is good"
    gc.freeze()
    gc.disable()  # what is left shows what only the collector could free
    for name, document in WORKS.items():
        texts = _texts(document)
        variables = {"id": dataset.sample[0].id} if "$id" in document else {}

        async def run(text: str, variables: dict[str, str] = variables) -> None:
            context = Context(services, principal)
            await execute(schema, cache.get(text), None, context, dict(variables))

        for _ in range(200):
            await run(next(texts))
        memory, start = _resident(), time.process_time()
        for _ in range(documents):
            await run(next(texts))
        cost = (time.process_time() - start) / documents * 1e6
        kept = (_resident() - memory) / documents
        same = next(texts)
        for _ in range(3):
            await run(same)
        start = time.process_time()
        for _ in range(documents):
            await run(same)
        cached = (time.process_time() - start) / documents * 1e6
        print(f"{name:16} {cost:8.1f} µs, of which executing takes {cached:8.1f} µs; {kept:8.0f} bytes kept")
    await services.database.close()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Measure the steps, then whole documents on a database of 1,000 users."""
    _compare_steps()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_execute(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 2000))


if __name__ == "__main__":
    main()
