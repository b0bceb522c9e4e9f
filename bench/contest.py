"""The main comparison: every work on every server, as tables and figures."""

from collections.abc import Sequence

from bench.findings import Figure, Findings, Table
from bench.rounds import Measured, p50, p99, rate, rate_per_core

BUSY = 64
"""The number of connections for which the promised ratios hold."""

_AGAINST_MERCURIUS = {"sqlite": 1.0, "postgres": 1.5}
_AGAINST_APOLLO, _AGAINST_PLAIN, _AGAINST_FLOOR, _LATENCY = 2.0, 30.0, 0.7, 2.0


def judge(backend: str, measured: Sequence[Measured]) -> Findings:
    """All measurements on one backend."""
    figures = [figure for each in measured for figure in _figures(backend, each)]
    # Not all servers do all works. Those of the same servers share their tables.
    groups: dict[tuple[str, ...], list[Measured]] = {}
    for each in measured:
        groups.setdefault(tuple(each.samples), []).append(each)
    return Findings([table for group in groups.values() for table in _tables(backend, group)], figures)


def _tables(backend: str, measured: Sequence[Measured]) -> list[Table]:
    connections = list(dict.fromkeys(each.connections for each in measured))
    tables = [_rates(backend, [each for each in measured if each.connections == n]) for n in connections]
    busiest = [each for each in measured if each.connections == max(connections)]
    return [*tables, _latencies(backend, measured), _economy(backend, busiest)]


def _peers(measured: Measured) -> list[str]:
    return [name for name in measured.samples if name != "ours"] if "ours" in measured.samples else []


def _rates(backend: str, measured: Sequence[Measured]) -> Table:
    servers, peers = list(measured[0].samples), _peers(measured[0])
    rows = [
        [
            each.work,
            *(f"{each.median(name, rate):,.0f}" for name in servers),
            *(f"{each.ratio('ours', name, rate):.2f}" for name in peers),
        ]
        for each in measured
    ]
    return Table(
        f"{backend}: requests per second at {_connections(measured)}",
        ["work", *servers, *(f"ours ÷ {name}" for name in peers)],
        rows,
    )


def _latencies(backend: str, measured: Sequence[Measured]) -> Table:
    servers = list(measured[0].samples)
    rows = [
        [
            each.work,
            str(each.connections),
            *(f"{each.median(name, p50):.2f} / {each.median(name, p99):.1f}" for name in servers),
        ]
        for each in measured
    ]
    return Table(f"{backend}: latency in milliseconds, p50 / p99", ["work", "connections", *servers], rows)


def _economy(backend: str, measured: Sequence[Measured]) -> Table:
    servers = list(measured[0].samples)
    rows = [
        [each.work, *(f"{each.median(name, rate_per_core):,.0f}" for name in servers)] for each in measured
    ]
    note = "The processor time of the server's own process; on PostgreSQL the database takes more beside it."
    title = f"{backend}: requests per core-second of the server at {_connections(measured)}"
    return Table(title, ["work", *servers], rows, note)


def _connections(measured: Sequence[Measured]) -> str:
    number = measured[0].connections
    return f"{number} connections" if number > 1 else "one connection"


def _figures(backend: str, measured: Measured) -> list[Figure]:
    peers, where = _peers(measured), f"{backend}, `{measured.work}`"
    figures = []

    def at_least(bound: float, peer: str) -> None:
        if peer in peers:
            ratio = measured.ratio("ours", peer, rate)
            figures.append(Figure(f"{where}: requests/s against {peer}", bound, True, ratio))

    if measured.connections == BUSY:
        at_least(_AGAINST_MERCURIUS[backend], "mercurius")
        at_least(_AGAINST_APOLLO, "apollo")
        if measured.work == "one":
            at_least(_AGAINST_PLAIN, "plain")
        if measured.work in ("one", "list"):
            at_least(_AGAINST_FLOOR, "floor")
    if measured.connections == 1 and "mercurius" in peers:
        ratio = measured.ratio("ours", "mercurius", p50)
        figures.append(Figure(f"{where}: p50 at one connection against mercurius", _LATENCY, False, ratio))
    return figures
