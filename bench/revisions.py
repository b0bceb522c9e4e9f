"""`python -m bench.revisions PATH`: this checkout against an older one, by the same load in turns.

The older server gets the data as this checkout loads it. So its tables must be a part of those of now.
"""

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bench import backends
from bench.load import Load
from bench.rounds import Measured, rate, rate_per_core, take_turns
from bench.servers import serving
from bench.works import ONE, WORKS

_USERS = 1000


def main(
    older: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The older checkout.")],
    work: Annotated[str, typer.Option(help="Works.")] = "patch,one,list,session",
    backend_names: Annotated[str, typer.Option("--backends", help="Databases.")] = "sqlite,postgres",
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 9,
    seconds: Annotated[int, typer.Option(min=1, help="How long each time.")] = 3,
    connections: Annotated[int, typer.Option(min=1, help="Connections.")] = 64,
) -> None:
    """Print how fast this checkout is, divided by the older one: in a second, and in a second of the server's
    processor. Medians of the rounds."""
    for name in backend_names.split(","):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            backend = stack.enter_context(backends.running(name, Path(folder)))
            url, dataset = backend.loaded(_USERS)
            load, probe = Load(Path(folder), dataset), ONE.bodies(dataset, 0)[0]
            start = partial(serving, "ours", probe=probe, token=dataset.tokens["admin"], folder=Path(folder))
            old = backend.copy(url)
            version = _newest_revision(older)
            backend.execute(old, f"UPDATE alembic_version SET version_num = '{version}'")
            servers = {
                "now": stack.enter_context(start(backend.copy(url))),
                "older": stack.enter_context(start(old, root=older.resolve())),
            }
            for each in work.split(","):
                run = partial(load.run, work=WORKS[each], connections=connections, seconds=seconds)
                turns = {name: partial(run, server) for name, server in servers.items()}
                take_turns(turns, 1)
                measured = Measured(each, connections, take_turns(turns, rounds))
                typer.echo(f"{name}, {each}: {_ratios(measured)}")


def _ratios(measured: Measured) -> str:
    by_time = measured.ratio("now", "older", rate)
    by_processor = measured.ratio("now", "older", rate_per_core)
    microseconds = {name: 1e6 / measured.median(name, rate_per_core) for name in measured.samples}
    return (
        f"{by_time:.2f} times as fast, {by_processor:.2f} per processor time "
        f"({microseconds['now']:.0f} and {microseconds['older']:.0f} µs)"
    )


def _newest_revision(root: Path) -> str:
    """The number of the last migration of a checkout."""
    names = (root / "gql_service/store/migrations/versions").glob("[0-9]*.py")
    return max(each.name.partition("_")[0] for each in names)


if __name__ == "__main__":
    typer.run(main)
