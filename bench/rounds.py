"""Rounds: the servers take turns, so that other load on the machine affects all of them equally."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from statistics import median
from typing import NamedTuple

from bench.load import Load, Sample
from bench.servers import Server
from bench.works import Work

_WARM_UP_CONNECTIONS, _WARM_UP_REQUESTS, _WARM_UP_RUNS = 16, 5000, 6


class Plan(NamedTuple):
    """How much to measure; `seconds` is the length of one run."""

    connections: Sequence[int]
    rounds: int
    seconds: int


class Measured(NamedTuple):
    """One work at one number of connections: the samples of each server, one per round."""

    work: str
    connections: int
    samples: Mapping[str, Sequence[Sample]]

    def median(self, name: str, of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in self.samples[name])

    def ratio(self, name: str, other: str, of: Callable[[Sample], float]) -> float:
        """The median over the rounds of one server divided by another in the same round.

        Infinite if a round was too short for a response of the other.
        """
        pairs = zip(self.samples[name], self.samples[other], strict=True)
        return median(
            of(sample) / of(other_sample) if of(other_sample) else inf for sample, other_sample in pairs
        )


def rate(sample: Sample) -> float:
    """Requests per second."""
    return sample.rate


def p50(sample: Sample) -> float:
    """The median latency in milliseconds."""
    return sample.p50


def p99(sample: Sample) -> float:
    """The 99th percentile of the latency in milliseconds."""
    return sample.p99


def server_cores(sample: Sample) -> float:
    """The number of cores that the server used."""
    return sample.server_cores


def generator_cores(sample: Sample) -> float:
    """The number of cores that wrk used."""
    return sample.generator_cores


def rate_per_core(sample: Sample) -> float:
    """Requests per second of the server's processor time, without the database's."""
    return sample.rate / sample.server_cores if sample.server_cores else 0.0


def cost(sample: Sample) -> float:
    """The processor time of the server per request in microseconds, without the database's."""
    return 1e6 * sample.server_cores / sample.rate if sample.rate else 0.0


def rate_beside(sample: Sample) -> float:
    """Requests per second of other works at the same time."""
    return sample.rate_beside


def measure(load: Load, servers: Sequence[Server], work: Work, plan: Plan) -> list[Measured]:
    """All rounds of one work at every number of connections, after a warm-up."""
    for server in servers:
        _warm_up(load, server, work, max(1, plan.seconds // 2))
    measured = []
    for connections in plan.connections:
        runs = {
            server.name: partial(load.run, server, work, connections=connections, seconds=plan.seconds)
            for server in servers
        }
        measured.append(Measured(work.name, connections, take_turns(runs, plan.rounds)))
    return measured


def _warm_up(load: Load, server: Server, work: Work, seconds: int) -> None:
    """Compilers wait for a number of requests, which takes longer on a busy machine."""
    requests, runs = 0.0, 0
    while requests < _WARM_UP_REQUESTS and runs < _WARM_UP_RUNS:
        sample = load.run(server, work, connections=_WARM_UP_CONNECTIONS, seconds=seconds)
        requests, runs = requests + sample.rate * seconds, runs + 1


def take_turns(runs: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """One sample of each server in every round. Each round begins with a different server."""
    names = list(runs)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for round in range(rounds):
        first = round % len(names)
        for name in (*names[first:], *names[:first]):
            samples[name].append(runs[name]())
    return samples
