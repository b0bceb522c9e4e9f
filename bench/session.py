"""A session: all measurements on one database."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import typer

from bench import agreement, contest, extras
from bench.backends import Backend
from bench.data import Dataset
from bench.extras import Sized
from bench.findings import Findings
from bench.load import Load
from bench.rounds import Measured, Plan, measure
from bench.servers import Server, serving
from bench.works import FLAGS, ONE, Work


class Options(NamedTuple):
    """What to measure. If `scale` is 0, no other number of users is compared."""

    works: Sequence[Work]
    servers: Sequence[str]
    plan: Plan
    users: int
    extra: bool
    scale: int
    workers: bool


class Session:
    """Loads the data once, and measures servers with a copy of it each."""

    def __init__(self, backend: Backend, folder: Path, options: Options) -> None:
        self._backend = backend
        self._folder = folder
        self._options = options
        self._say(f"loading {options.users:,} users")
        self._url, self._dataset = backend.loaded(options.users)
        self._load = Load(folder, self._dataset)

    def run(self) -> Iterator[list[Findings]]:
        """All results so far, after each part. Raises RuntimeError if a server does not do the same work as
        the others."""
        findings: list[Findings] = []
        with self._serving_all(self._url, self._dataset) as servers:
            self._say("checking that all servers respond alike")
            agreement.check(servers, self._options.works, self._dataset, self._backend)
            for contest_so_far in self._contest(servers):
                findings = [contest_so_far]
                yield findings
            for each in self._extras(servers):
                findings.append(each)
                yield findings
        for each in self._others():
            findings.append(each)
            yield findings

    def _others(self) -> Iterator[Findings]:
        """What needs other servers than the contest."""
        if self._options.extra:
            yield self._conditions()
        if self._options.scale:
            yield self._growth_of_data()
        if self._options.workers:
            yield self._workers()

    def _contest(self, servers: Sequence[Server]) -> Iterator[Findings]:
        measured: list[Measured] = []
        for work in self._options.works:
            self._say(work.name)
            able = [server for server in servers if work.is_done_by(server.name)]
            measured += measure(self._load, able, work, self._options.plan) if able else []
            yield contest.judge(self._backend.name, measured)

    def _extras(self, servers: Sequence[Server]) -> Iterator[Findings]:
        backend, plan = self._backend.name, self._options.plan
        ours = next((server for server in servers if server.name == "ours"), None)
        if ours is not None and FLAGS in self._options.works:
            self._say("flags against session")
            yield extras.flags(backend, self._load, ours, plan)
        yield extras.weigh(backend, servers)
        if self._options.extra:
            self._say("reads beside writes")
            yield extras.reads_beside_writes(backend, self._load, servers, plan)
            self._say("documents never seen before")
            yield extras.first_seen(backend, self._load, servers, plan)
            self._say("longer lists")
            yield extras.growth_of_list(backend, self._load, servers, plan)

    def _growth_of_data(self) -> Findings:
        self._say(f"loading {self._options.scale:,} users")
        url, dataset = self._backend.loaded(self._options.scale)
        load = Load(self._folder, dataset)
        with self._serving_all(self._url, self._dataset) as few, self._serving_all(url, dataset) as many:
            pairs = [
                (Sized(self._dataset.users, self._load, small), Sized(dataset.users, load, large))
                for small, large in zip(few, many, strict=True)
            ]
            return extras.growth_of_data(self._backend.name, pairs, self._options.plan)

    def _conditions(self) -> Findings:
        self._say("conditional documents")
        url, dataset = self._backend.loaded(self._options.users, conditional=True)
        with (
            self._serve("ours", self._url, self._dataset) as plain,
            self._serve("ours", url, dataset) as conditional,
        ):
            return extras.conditions(
                self._backend.name,
                Sized(self._dataset.users, self._load, plain),
                Sized(dataset.users, Load(self._folder, dataset), conditional),
                self._options.plan,
            )

    def _workers(self) -> Findings:
        self._say("two workers against one")
        with ExitStack() as stack:
            servers = {
                str(count): stack.enter_context(self._serve("ours", self._url, self._dataset, count))
                for count in (1, 2)
            }
            return extras.workers(self._backend.name, self._load, servers, self._options.plan)

    @contextmanager
    def _serving_all(self, url: str, dataset: Dataset) -> Iterator[list[Server]]:
        with ExitStack() as stack:
            yield [stack.enter_context(self._serve(name, url, dataset)) for name in self._options.servers]

    @contextmanager
    def _serve(self, name: str, url: str, dataset: Dataset, workers: int = 1) -> Iterator[Server]:
        probe, token = ONE.bodies(dataset, 0)[0], dataset.tokens[ONE.caller]
        copy = self._backend.copy(url)
        with serving(name, copy, probe, token, self._folder, workers=workers) as server:
            yield server

    def _say(self, what: str) -> None:
        typer.echo(f"{self._backend.name}: {what} …", err=True)
