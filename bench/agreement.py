"""Checks that all servers do the same work: equal responses, equal rows after writes, and errors for invalid
tokens."""

import re
from collections.abc import Sequence
from typing import Any

from bench.backends import Backend
from bench.data import Dataset
from bench.servers import Server
from bench.works import LIST, ONE, PATCH, Work

_SAMPLES = 5
_MAX_LENGTH = 1000
_INVALID_CALLERS = ("expired", "revoked")
_KEYS = PATCH._replace(
    name="patch of several keys",
    variables=lambda dataset, _run: [
        {"username": dataset.sample[0].username, "metadata": metadata}
        for metadata in ({"zone": {"b": [1, {"d": None, "c": "é"}], "a": True}, "area": 1}, {"area": 1})
    ],
)
"""New keys whose members must be sorted, and then a patch that changes nothing."""
_WRITTEN = (
    "SELECT user_id, platform_id, metadata, attributes, conditions, expires_at, revision FROM documents"
    " WHERE revision > 1 ORDER BY user_id",
    "SELECT user_id, platform_id, revision, actor_id, source, changes FROM document_changes"
    " ORDER BY user_id, revision",
    "SELECT user_id, platform_id, revision, actor_id, tenant_id, changed_keys, hidden_keys FROM events"
    " WHERE type = 'document.changed' ORDER BY user_id, revision",
)
"""What a patch leaves behind, without instants and numbers that the database gives."""
_INSTANT = re.compile(r'(?<="(?:cre|upd)atedAt":)\d+')


def check(servers: Sequence[Server], works: Sequence[Work], dataset: Dataset, backend: Backend) -> None:
    """Raises RuntimeError with the server that differs, the work, and both responses."""
    for work in (*works, _KEYS):
        bodies = work.bodies(dataset, 0)
        able = [server for server in servers if work.is_done_by(server.name)]
        for body in bodies[:: max(1, len(bodies) // _SAMPLES)]:
            token = dataset.tokens[work.caller]
            _check_equal(work.name, {server.name: server.ask(body, token, work.path) for server in able})
    for query in _WRITTEN:
        rows = {server.name: backend.rows(server.url, query) for server in servers}
        _check_equal(query, {name: [_INSTANT.sub("0", row) for row in each] for name, each in rows.items()})
    if backend.name == "sqlite":
        for server in servers:
            _check_equal(
                server.name,
                {"expected": ["wal"], server.name: backend.rows(server.url, "PRAGMA journal_mode")},
            )
    _check_refusals(servers, dataset)


def _check_equal(what: str, results: dict[str, Any]) -> None:
    """Compare what each server has returned or stored with that of the first one."""
    first, expected = next(iter(results.items()), ("", None))
    for name, result in results.items():
        if "errors" in result or result != expected:
            raise RuntimeError(
                f"{what}: of {name}\n{result!s:.{_MAX_LENGTH}}\nbut of {first}\n{expected!s:.{_MAX_LENGTH}}"
            )


def _check_refusals(servers: Sequence[Server], dataset: Dataset) -> None:
    one, members = ONE.bodies(dataset, 0)[-1], LIST.bodies(dataset, 0)[0]
    admin = dataset.tokens["admin"]
    forged = admin.replace(admin.split("_")[2], dataset.tokens["member"].split("_")[2])
    rejected = [(one, dataset.tokens[caller]) for caller in _INVALID_CALLERS]
    rejected += [
        (one, forged),
        (one, ""),
        (one, dataset.tokens["member"]),
        (members, dataset.tokens["member"]),
    ]
    for server in servers:
        for number, (body, token) in enumerate(rejected):
            if "errors" not in server.ask(body, token):
                raise RuntimeError(f"{server.name} executes a request that it must reject (case {number})")
