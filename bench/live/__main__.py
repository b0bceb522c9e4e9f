"""`python -m bench.live`: a command for each figure of streams, see bench/README.md."""

import asyncio
from typing import Annotated

import typer

from bench.live.clients import TRANSPORTS
from bench.live.feed import follow, record
from bench.live.idle import weigh
from bench.live.latency import Latencies, Latency, percentile
from bench.live.stage import SETUPS, issue_tokens, stage
from bench.load import Load

_ALL = ",".join(SETUPS)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Setups = Annotated[str, typer.Option("--setups", help="How the service runs.")]
Writes = Annotated[int, typer.Option(min=10, help="Measured writes of each kind.")]


@app.command()
def latency(
    setups: Setups = _ALL,
    writes: Writes = 100,
    subscribers: Annotated[int, typer.Option(min=2, help="Subscribers over each transport.")] = 8,
    rate: Annotated[int, typer.Option(min=1, help="Other writes in a second, where there are some.")] = 50,
) -> None:
    """How long it takes from a commit to a subscriber."""
    for name in setups.split(","):
        setup = SETUPS[name]
        with stage(setup.backend) as prepared, prepared.serving(setup) as server:
            dataset = prepared.dataset
            for transport in TRANSPORTS:
                for each in (0, rate):
                    measurement = Latency(server, dataset, dataset.sample[0]).measure(
                        transport, subscribers=subscribers, writes=writes, rate=each
                    )
                    _print(f"{name}, {transport}, {each} writes/s", asyncio.run(measurement))


@app.command()
def stalled(
    setups: Setups = "sqlite,postgres",
    writes: Writes = 100,
    subscribers: Annotated[int, typer.Option(min=2, help="Those who read.")] = 99,
    rate: Annotated[int, typer.Option(min=0, help="Other writes in a second.")] = 0,
) -> None:
    """The same without and with another subscriber who never reads."""
    for name in setups.split(","):
        setup = SETUPS[name]
        with stage(setup.backend) as prepared, prepared.serving(setup) as server:
            dataset = prepared.dataset
            for transport in TRANSPORTS:
                for is_stalled in (False, True):
                    measurement = Latency(server, dataset, dataset.sample[0]).measure(
                        transport, subscribers=subscribers, writes=writes, rate=rate, stalled=is_stalled
                    )
                    beside = "beside one who never reads" if is_stalled else "alone"
                    _print(f"{name}, {transport}, {subscribers} {beside}", asyncio.run(measurement))


@app.command()
def idle(
    setups: Setups = "sqlite,postgres",
    subscribers: Annotated[int, typer.Option(min=1, help="Subscribers over each transport.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="How often the speed is measured.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each time.")] = 3,
) -> None:
    """What subscribers cost to whom nothing is told."""
    for name in setups.split(","):
        setup = SETUPS[name]
        with stage(setup.backend) as prepared:
            url = prepared.backend.copy(prepared.url)
            tokens = issue_tokens(url, prepared.dataset, subscribers)
            for transport in TRANSPORTS:
                others = prepared.backend.copy(url), prepared.backend.copy(url)
                with prepared.serving(setup, others[0]) as lone, prepared.serving(setup, others[1]) as server:
                    costs = weigh(
                        Load(prepared.folder, prepared.dataset),
                        lone,
                        server,
                        transport,
                        tokens,
                        rounds,
                        seconds,
                    )
                typer.echo(f"{name}, {transport}, {subscribers:,}: {costs}")


@app.command()
def feed(
    setups: Setups = "sqlite,postgres",
    events: Annotated[int, typer.Option(min=1000, help="Events of the feed.")] = 10_000,
) -> None:
    """How fast one follower gets all events of a platform, from its start."""
    for name in setups.split(","):
        setup = SETUPS[name]
        with stage(setup.backend) as prepared:
            url, dataset = prepared.backend.copy(prepared.url), prepared.dataset
            asyncio.run(record(url, dataset.sample[0], events))
            with prepared.serving(setup, url) as server:
                for transport in TRANSPORTS:
                    found = asyncio.run(follow(server, dataset.tokens["admin"], transport, events))
                    typer.echo(f"{name}, {transport}: {found}")


def _print(what: str, found: Latencies) -> None:
    columns = [
        f"{percentile(values, 0.5):.1f} / {percentile(values, 0.99):.1f}"
        for values in (found.after_commit, found.after_request)
    ]
    typer.echo(f"{what}: p50 / p99 in ms after the commit {columns[0]}, after the request {columns[1]}")


if __name__ == "__main__":
    app()
