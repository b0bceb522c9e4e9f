"""Checks that all servers do the same work: equal responses, and errors for invalid tokens."""

from collections.abc import Sequence
from typing import Any

from bench.data import Dataset
from bench.servers import Server
from bench.works import LIST, ONE, Work

_ASKED = 5
_SHOWN = 1000
_STRANGERS = ("expired", "revoked")


def check(servers: Sequence[Server], works: Sequence[Work], dataset: Dataset) -> None:
    """Raises RuntimeError with the server that differs, the work, and both responses."""
    for work in works:
        bodies = work.bodies(dataset, 0)
        for body in bodies[:: max(1, len(bodies) // _ASKED)]:
            _check_equal(servers, work, body, dataset.tokens[work.caller])
    _check_refusals(servers, dataset)


def _check_equal(servers: Sequence[Server], work: Work, body: bytes, token: str) -> None:
    expected: Any = None
    for server in servers:
        answer = server.ask(body, token)
        expected = expected or answer
        if "errors" in answer or answer != expected:
            raise RuntimeError(
                f"{work.name}: {server.name} answers\n{answer!s:.{_SHOWN}}\n"
                f"but {servers[0].name}\n{expected!s:.{_SHOWN}}"
            )


def _check_refusals(servers: Sequence[Server], dataset: Dataset) -> None:
    one, members = ONE.bodies(dataset, 0)[-1], LIST.bodies(dataset, 0)[0]
    admin = dataset.tokens["admin"]
    forged = admin.replace(admin.split("_")[2], dataset.tokens["member"].split("_")[2])
    refused = [(one, dataset.tokens[stranger]) for stranger in _STRANGERS]
    refused += [
        (one, forged),
        (one, ""),
        (one, dataset.tokens["member"]),
        (members, dataset.tokens["member"]),
    ]
    for server in servers:
        for number, (body, token) in enumerate(refused):
            if "errors" not in server.ask(body, token):
                raise RuntimeError(f"{server.name} does not refuse what it must (case {number})")
