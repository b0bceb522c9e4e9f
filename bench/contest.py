"""The main comparison: every work on every server, as tables and figures."""

from collections.abc import Callable, Sequence

from bench.findings import Figure, Findings, Table
from bench.load import Sample
from bench.rounds import Measured, cost, p50, p99, rate, rate_per_core

BUSY = 64
"""The number of connections for which the promised ratios hold."""

_AGAINST_MERCURIUS = {"sqlite": 1.0, "postgres": 1.5}
_AGAINST_APOLLO, _AGAINST_PLAIN, _AGAINST_FLOOR, _LATENCY = 2.0, 30.0, 0.7, 1.0
_AGAINST_BUN, _PATCH_AGAINST_BUN, _AGAINST_TUNED_BUN, _COST = 1.0, 1.5, 0.8, 1.3
_SINGLE = ("one", "list", "session", "patch", "entities")
"""The works that figures are promised for."""


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
    tables = []
    for number in connections:
        group = [each for each in measured if each.connections == number]
        tables += [
            _values(backend, group, "requests per second", rate),
            _values(backend, group, "requests per core-second of the server", rate_per_core, _NOTE),
        ]
        if _peers(group[0]):
            tables.append(_ratios(backend, group))
        if number == 1:
            tables.append(_values(backend, group, "processor time per request in µs", cost, _NOTE))
    return [*tables, _latencies(backend, measured)]


_NOTE = "The processor time of the server's own process; on PostgreSQL the database takes more beside it."


def _peers(measured: Measured) -> list[str]:
    return [name for name in measured.samples if name != "ours"] if "ours" in measured.samples else []


def _values(
    backend: str, measured: Sequence[Measured], what: str, of: Callable[[Sample], float], note: str = ""
) -> Table:
    servers = list(measured[0].samples)
    rows = [[each.work, *(f"{each.median(name, of):,.0f}" for name in servers)] for each in measured]
    return Table(f"{backend}: {what} at {_connections(measured)}", ["work", *servers], rows, note)


def _ratios(backend: str, measured: Sequence[Measured]) -> Table:
    peers = _peers(measured[0])
    rows = [
        [
            each.work,
            *(
                " / ".join(f"{each.ratio('ours', name, of):.2f}" for of in (rate, rate_per_core))
                for name in peers
            ),
        ]
        for each in measured
    ]
    title = f"{backend}: ours ÷ each at {_connections(measured)}, requests per second / per core-second"
    return Table(title, ["work", *peers], rows)


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


def _connections(measured: Sequence[Measured]) -> str:
    number = measured[0].connections
    return f"{number} connections" if number > 1 else "one connection"


def _figures(backend: str, measured: Measured) -> list[Figure]:
    if measured.work not in _SINGLE:
        return []
    if measured.connections == BUSY:
        return _figures_when_busy(backend, measured)
    return _figures_alone(backend, measured) if measured.connections == 1 else []


def _figures_when_busy(backend: str, measured: Measured) -> list[Figure]:
    peers, work, figures = _peers(measured), measured.work, []

    def at_least(bound: float, peer: str, of: Callable[[Sample], float] = rate) -> None:
        if peer in peers:
            what = f"{backend}, `{work}`: requests/{'s' if of is rate else 'core-second'} against {peer}"
            figures.append(Figure(what, bound, True, measured.ratio("ours", peer, of)))

    if backend == "sqlite":
        at_least(_PATCH_AGAINST_BUN if work == "patch" else _AGAINST_BUN, "bun", rate_per_core)
        at_least(_AGAINST_TUNED_BUN, "bun-tuned", rate_per_core)
    else:
        at_least(_AGAINST_BUN, "bun", rate_per_core)
    at_least(_AGAINST_MERCURIUS[backend], "mercurius")
    at_least(_AGAINST_APOLLO, "apollo")
    if work == "one":
        at_least(_AGAINST_PLAIN, "plain")
    if work in ("one", "list"):
        at_least(_AGAINST_FLOOR, "floor")
    return figures


def _figures_alone(backend: str, measured: Measured) -> list[Figure]:
    bounds = (("bun", "processor time", cost, _COST), ("mercurius", "p50", p50, _LATENCY))
    return [
        Figure(
            f"{backend}, `{measured.work}`: {what} at one connection against {peer}",
            bound,
            False,
            measured.ratio("ours", peer, of),
        )
        for peer, what, of, bound in bounds
        if peer in _peers(measured)
    ]
