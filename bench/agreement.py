"""Checks that all servers do the same work: equal responses, and errors for invalid tokens."""

from collections.abc import Sequence
from typing import Any

from bench.data import Dataset
from bench.servers import Server
from bench.works import LIST, ONE, Work

_SAMPLES = 5
_MAX_LENGTH = 1000
_INVALID_CALLERS = ("expired", "revoked")


def check(servers: Sequence[Server], works: Sequence[Work], dataset: Dataset) -> None:
    """Raises RuntimeError with the server that differs, the work, and both responses."""
    for work in works:
        bodies = work.bodies(dataset, 0)
        able = [server for server in servers if work.is_done_by(server.name)]
        for body in bodies[:: max(1, len(bodies) // _SAMPLES)]:
            _check_equal(able, work, body, dataset.tokens[work.caller])
    _check_refusals(servers, dataset)


def _check_equal(servers: Sequence[Server], work: Work, body: bytes, token: str) -> None:
    expected: Any = None
    for server in servers:
        response = server.ask(body, token, work.path)
        expected = expected or response
        if "errors" in response or response != expected:
            raise RuntimeError(
                f"{work.name}: {server.name} responds\n{response!s:.{_MAX_LENGTH}}\n"
                f"but {servers[0].name}\n{expected!s:.{_MAX_LENGTH}}"
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
