"""Other measurements: first-seen documents, memory, start-up time, and scaling with data and workers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from bench.findings import Figure, Findings, Table
from bench.load import Load
from bench.rounds import (
    Measured,
    Plan,
    cost,
    generator_cores,
    measure,
    p50,
    p99,
    rate,
    rate_beside,
    rate_per_core,
    server_cores,
    take_turns,
)
from bench.servers import Server
from bench.works import FIRST_SEEN, FLAGS, LIST, LIST_OF_100, ONE, PATCH, SESSION

_CONNECTIONS = 16
_BUSY = 64
_LINEAR, _SCALED, _SCALING, _FLAGS, _FIRST_SEEN = 2.2, 1.1, 1.7, 1.0, 1.0


def weigh(backend: str, servers: Sequence[Server]) -> Findings:
    """Memory after the load so far, and the time from the start of each server to its first response."""
    rows = [
        [
            server.name,
            f"{server.seconds_to_first_answer:.2f}",
            f"{server.processor_seconds_to_first_answer:.2f}",
            " + ".join(f"{size / 2**20:.0f}" for size in server.resident_memory()),
        ]
        for server in servers
    ]
    header = [
        "server",
        "seconds to the first response",
        "processor time until then",
        "MiB resident, each process",
    ]
    return Findings([Table(f"{backend}: start-up, and memory after the load", header, rows)], [])


def first_seen(backend: str, load: Load, servers: Sequence[Server], plan: Plan) -> Findings:
    """Documents that no server has seen before: they must be parsed, validated and possibly compiled."""
    contestants = [server for server in servers if server.name != "floor"]
    if not contestants:
        return Findings([], [])
    plan = plan._replace(connections=[_CONNECTIONS])
    (measured,) = measure(load, contestants, FIRST_SEEN, plan)
    peers = [name for name in measured.samples if name != "ours" and "ours" in measured.samples]
    ratios = {name: measured.ratio("ours", name, rate_per_core) for name in peers}
    rows = [
        [
            name,
            *(f"{measured.median(name, of):,.0f}" for of in (rate, rate_per_core, cost)),
            f"{ratios[name]:.2f}" if name in ratios else "",
        ]
        for name in measured.samples
    ]
    figures = []
    if "mercurius" in ratios:
        what = f"{backend}, documents never seen before: per core-second against mercurius"
        figures.append(Figure(what, _FIRST_SEEN, True, ratios["mercurius"]))
    title = f"{backend}: documents never seen before at {_CONNECTIONS} connections: `one` with an alias each"
    header = ["server", "per second", "per core-second", "µs of processor time each", "ours ÷ this"]
    return Findings([Table(title, header, rows, "The last column compares core-seconds.")], figures)


def reads_beside_writes(backend: str, load: Load, servers: Sequence[Server], plan: Plan) -> Findings:
    """The latency of `one` while as many connections write."""
    runs = {
        server.name: partial(
            load.run, server, ONE, connections=_CONNECTIONS, seconds=plan.seconds, beside=(PATCH,)
        )
        for server in servers
    }
    measured = Measured(ONE.name, _CONNECTIONS, take_turns(runs, plan.rounds))
    rows = [
        [
            name,
            *(f"{measured.median(name, of):,.0f}" for of in (rate, rate_beside)),
            *(f"{measured.median(name, of):.1f}" for of in (p50, p99)),
        ]
        for name in runs
    ]
    figures = []
    if "ours" in runs and len(runs) > 1:
        worst = max(measured.ratio("ours", name, p99) for name in runs if name != "ours")
        figures.append(
            Figure(f"{backend}: p99 of reads beside writes, against the best peer", 1.0, False, worst)
        )
    title = f"{backend}: `one` at {_CONNECTIONS} connections, beside {_CONNECTIONS} that `patch`"
    header = ["server", "reads/s", "writes/s", "p50 of reads in ms", "p99 of reads in ms"]
    return Findings([Table(title, header, rows)], figures)


def flags(backend: str, load: Load, server: Server, plan: Plan) -> Findings:
    """The evaluation of 20 flags in multiples of a session: the same server, alternately."""
    runs = {
        work.name: partial(load.run, server, work, connections=_BUSY, seconds=plan.seconds)
        for work in (SESSION, FLAGS)
    }
    take_turns(runs, 1)
    measured = Measured("flags", _BUSY, take_turns(runs, plan.rounds))
    rows = [[name, *(f"{measured.median(name, of):,.0f}" for of in (rate, rate_per_core))] for name in runs]
    ratio = measured.ratio("flags", "session", rate_per_core)
    figure = Figure(f"{backend}: `flags` against `session`, requests per core-second", _FLAGS, True, ratio)
    title = f"{backend}: 20 flags against a session at {_BUSY} connections"
    return Findings([Table(title, ["work", "requests/s", "requests per core-second"], rows)], [figure])


def growth_of_list(backend: str, load: Load, servers: Sequence[Server], plan: Plan) -> Findings:
    """The cost of a list of 100, in multiples of a list of 50."""
    rows, figures = [], []
    for server in servers:
        runs = {
            name: partial(load.run, server, work, connections=_CONNECTIONS, seconds=plan.seconds)
            for name, work in (("50", LIST), ("100", LIST_OF_100))
        }
        measured = Measured("list", _CONNECTIONS, take_turns(runs, plan.rounds))
        ratio = measured.ratio("50", "100", rate)
        rates = (f"{measured.median(name, rate):,.0f}" for name in runs)
        rows.append([server.name, *rates, f"{ratio:.2f}"])
        if server.name == "ours":
            figures.append(Figure(f"{backend}: cost of `list` of 100 in lists of 50", _LINEAR, False, ratio))
    header = ["server", "lists of 50 per second", "lists of 100 per second", "cost ratio"]
    return Findings([Table(f"{backend}: `list` of 100 users against 50", header, rows)], figures)


class Sized(NamedTuple):
    """A server on its own database."""

    users: int
    load: Load
    server: Server


def growth_of_data(backend: str, pairs: Sequence[tuple[Sized, Sized]], plan: Plan) -> Findings:
    """The cost of `one` and `list` with many users, compared with few: the same server, alternately."""
    rows, figures = [], []
    for few, many in pairs:
        for work in (ONE, LIST):
            runs = {
                name: partial(sized.load.run, sized.server, work, connections=_BUSY, seconds=plan.seconds)
                for name, sized in (("few", few), ("many", many))
            }
            take_turns(runs, 1)
            measured = Measured(work.name, _BUSY, take_turns(runs, plan.rounds))
            ratio = measured.ratio("few", "many", rate)
            rates = (f"{measured.median(name, rate):,.0f}" for name in runs)
            rows.append([few.server.name, work.name, *rates, f"{ratio:.2f}"])
            if few.server.name == "ours":
                what = f"{backend}, `{work.name}`: cost with {many.users:,} users against {few.users:,}"
                figures.append(Figure(what, _SCALED, False, ratio))
    few, many = pairs[0]
    header = ["server", "work", f"{few.users:,} users, requests/s", f"{many.users:,} users", "cost ratio"]
    return Findings([Table(f"{backend}: many users at {_BUSY} connections", header, rows)], figures)


def conditions(backend: str, plain: Sized, conditional: Sized, plan: Plan) -> Findings:
    """The cost of reads and writes if every document has hidden entries and validity windows."""
    rows = []
    for work in (ONE, LIST, SESSION, PATCH):
        runs = {
            name: partial(sized.load.run, sized.server, work, connections=_BUSY, seconds=plan.seconds)
            for name, sized in (("plain", plain), ("conditional", conditional))
        }
        take_turns(runs, 1)
        measured = Measured(work.name, _BUSY, take_turns(runs, plan.rounds))
        rates = (f"{measured.median(name, rate):,.0f}" for name in runs)
        rows.append([work.name, *rates, f"{measured.ratio('conditional', 'plain', rate):.2f}"])
    header = ["work", "plain documents, requests/s", "conditional documents", "conditional ÷ plain"]
    return Findings([Table(f"{backend}: conditional documents at {_BUSY} connections", header, rows)], [])


def workers(backend: str, load: Load, servers: Mapping[str, Server], plan: Plan) -> Findings:
    """Two workers compared with one, each loaded by two wrk processes."""
    rows, figures = [], []
    for work in (ONE, LIST):
        runs = {
            name: partial(load.run, server, work, connections=_BUSY // 2, seconds=plan.seconds, generators=2)
            for name, server in servers.items()
        }
        take_turns(runs, 1)
        measured = Measured(work.name, _BUSY, take_turns(runs, plan.rounds))
        for name in runs:
            cores = [measured.median(name, of) for of in (server_cores, generator_cores)]
            numbers = [f"{each:.2f}" for each in cores]
            rates = [f"{measured.median(name, of):,.0f}" for of in (rate, rate_per_core)]
            rows.append([work.name, name, rates[0], *numbers, rates[1]])
        one, two = runs
        ratio = measured.ratio(two, one, rate)
        figures.append(Figure(f"{backend}, `{work.name}`: two workers against one", _SCALING, True, ratio))
    cores_of = ("cores taken by the server", "cores taken by wrk", "requests per core-second of the server")
    header = ["work", "workers", "requests/s", *cores_of]
    note = (
        "Server, load generator and (not counted here) PostgreSQL share the cores. Where together they "
        "take nearly all of them, the last column shows what workers with their own cores would achieve."
    )
    return Findings([Table(f"{backend}: workers of gql_service", header, rows, note)], figures)
