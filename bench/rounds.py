"""The rounds: contestants take turns, so that whatever else the machine does meets all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from statistics import median
from typing import NamedTuple

from bench.load import Load, Sample
from bench.servers import Server
from bench.works import Work

_WARM_UP_CONNECTIONS = 16


class Plan(NamedTuple):
    """How much is measured; `seconds` is the length of one run."""

    connections: Sequence[int]
    rounds: int
    seconds: int


class Measured(NamedTuple):
    """One work at one number of connections: the samples of each contestant, one of each round."""

    work: str
    connections: int
    samples: Mapping[str, Sequence[Sample]]

    def median(self, name: str, of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in self.samples[name])

    def ratio(self, name: str, other: str, of: Callable[[Sample], float]) -> float:
        """The median over the rounds of one divided by the other of the same round; infinite where a
        round was too short for the other to answer at all."""
        pairs = zip(self.samples[name], self.samples[other], strict=True)
        return median(of(mine) / of(theirs) if of(theirs) else inf for mine, theirs in pairs)


def rate(sample: Sample) -> float:
    """Requests per second."""
    return sample.rate


def p50(sample: Sample) -> float:
    """Half of all answers took no longer than this, in milliseconds."""
    return sample.p50


def p99(sample: Sample) -> float:
    """One answer in a hundred took longer than this, in milliseconds."""
    return sample.p99


def server_cores(sample: Sample) -> float:
    """How many cores the server took."""
    return sample.server_cores


def generator_cores(sample: Sample) -> float:
    """How many cores wrk took."""
    return sample.generator_cores


def rate_per_core(sample: Sample) -> float:
    """Requests for each second of processor time of the server; the database's is not counted."""
    return sample.rate / sample.server_cores if sample.server_cores else 0.0


def measure(load: Load, servers: Sequence[Server], work: Work, plan: Plan) -> list[Measured]:
    """All rounds of one work at every number of connections, after a warm-up."""
    for server in servers:
        load.run(server, work, connections=_WARM_UP_CONNECTIONS, seconds=max(1, plan.seconds // 2))
    measured = []
    for connections in plan.connections:
        runs = {
            server.name: partial(load.run, server, work, connections=connections, seconds=plan.seconds)
            for server in servers
        }
        measured.append(Measured(work.name, connections, take_turns(runs, plan.rounds)))
    return measured


def take_turns(runs: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """One sample of each contestant in every round; each round begins with another one."""
    names = list(runs)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for round in range(rounds):
        first = round % len(names)
        for name in (*names[first:], *names[:first]):
            samples[name].append(runs[name]())
    return samples
