"""`python -m bench`: installs the peers, measures on each database, and writes the report."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench import backends, contest, machine, report
from bench.findings import Findings
from bench.rounds import Plan
from bench.servers import NAMES, PEERS, RUNTIMES
from bench.session import Options, Session
from bench.works import WORKS

RESULTS = Path(__file__).parent / "RESULTS.md"
BACKENDS = ("sqlite", "postgres")
_INSTALL_WITHIN = 900

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    backend_names: Annotated[str, typer.Option("--backends", help="Databases.")] = ",".join(BACKENDS),
    work: Annotated[str, typer.Option(help="Works.")] = ",".join(WORKS),
    servers: Annotated[str, typer.Option(help="Servers.")] = ",".join(NAMES),
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each time.")] = 5,
    connections: Annotated[str, typer.Option(help="Numbers of connections.")] = "1,16,64",
    users: Annotated[int, typer.Option(min=100, help="Users in the database.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="The report's file, by default bench/RESULTS.md.")] = None,
    extra: Annotated[bool, typer.Option(help="Also new documents, memory, start-up, longer lists.")] = True,
    scale: Annotated[int, typer.Option(min=0, help="Also with this many users, such as 100000.")] = 0,
    workers_check: Annotated[bool, typer.Option(help="Also two workers of ours against one.")] = False,
    quick: Annotated[bool, typer.Option(help="1 round of 2 s at 64 connections; writes no file.")] = False,
) -> None:
    """Measure gql_service against its peers on this machine. Lists are separated by commas."""
    plan = Plan([int(each) for each in connections.split(",")], rounds, seconds)
    if quick:
        plan, extra = Plan([contest.BUSY], 1, 2), False
    options = Options(
        works=[WORKS[name] for name in _chosen(work, WORKS)],
        servers=_chosen(servers, NAMES),
        plan=plan,
        users=users,
        extra=extra,
        scale=scale,
        workers=workers_check,
    )
    chosen = _chosen(backend_names, BACKENDS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # also stops the servers
    if not RUNTIMES.keys().isdisjoint(options.servers):
        _install_peers()
    text = ""
    for text in _reports(chosen, options):
        if out or not quick:
            (out or RESULTS).write_text(text)
    typer.echo(text)


def _chosen(choice: str, choices: Iterable[str]) -> list[str]:
    names = [name.strip() for name in choice.split(",")]
    if unknown := set(names) - set(choices):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose among {', '.join(choices)}.")
    return names


def _install_peers() -> None:
    """Install the packages of package-lock.json, unless they are installed."""
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    typer.echo("Installing the peers …", err=True)
    subprocess.run(["npm", "ci", "--silent"], cwd=PEERS, check=True, timeout=_INSTALL_WITHIN)  # noqa: S607


def _reports(chosen: Sequence[str], options: Options) -> Iterator[str]:
    """Write the report again after each part, so that a failure does not lose earlier results."""
    findings: list[Findings] = []
    databases: list[str] = []
    facts = machine.describe()
    for name in chosen:
        with (
            tempfile.TemporaryDirectory(prefix="gql_service_bench_") as folder,
            backends.running(name, Path(folder)) as backend,
        ):
            databases.append(f"{backend.name} {backend.version}")
            so_far: list[Findings] = []
            for so_far in Session(backend, Path(folder), options).run():
                named = [*facts, ("databases", ", ".join(databases))]
                yield report.render(named, [*findings, *so_far])
            findings += so_far


if __name__ == "__main__":
    app()
