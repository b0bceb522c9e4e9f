"""The load: wrk sends the bodies of a work to one server for some seconds."""

import itertools
import resource
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import orjson

from bench.data import Dataset
from bench.servers import Server
from bench.works import Work

_SCRIPT = Path(__file__).parent / "wrk.lua"
_SMALLEST = 0.9
"""The mean response size must be at least this share of that of a correct one: errors are shorter."""
_GRACE = 30


class Sample(NamedTuple):
    """What one run measured: requests per second, latencies in milliseconds, and the cores used."""

    rate: float
    p50: float
    p99: float
    server_cores: float
    generator_cores: float
    rate_beside: float = 0.0
    """Requests per second of other works at the same time."""


class Load:
    """Runs wrk, and gives each run a different number."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self._folder = folder
        self._dataset = dataset
        self._runs = itertools.count(1)

    def run(
        self,
        server: Server,
        work: Work,
        *,
        connections: int,
        seconds: int,
        generators: int = 1,
        beside: Sequence[Work] = (),
    ) -> Sample:
        """Measure a server, with this many wrk processes of one thread and these connections each.

        One more for each other work runs beside them. The server is idle when this returns. Raises
        RuntimeError if any response was wrong.
        """
        works = [*[work] * generators, *beside]
        smallest = [_SMALLEST * self._size_of_answer(server, each) for each in works]
        before = (server.processor_seconds(), _seconds_of_ended_children())
        processes = [self._start(server, each, connections, seconds) for each in works]
        try:
            results = [_result(process, seconds) for process in processes]
        finally:
            for process in processes:
                process.kill()  # has no effect on a process that has ended
        after = (server.processor_seconds(), _seconds_of_ended_children())
        server.rest()
        for each, size, result in zip(works, smallest, results, strict=True):
            if result["failed"] or result["bytes"] < size * result["requests"]:
                raise RuntimeError(f"{server.name} had wrong responses to {each.name}: {result}")
        rates = [result["requests"] / result["microseconds"] * 1e6 for result in results]
        elapsed = max(result["microseconds"] for result in results) / 1e6  # without the start of wrk
        server_cores, generator_cores = (
            (late - early) / elapsed for late, early in zip(after, before, strict=True)
        )
        return Sample(
            sum(rates[:generators]),
            mean(result["p50"] for result in results[:generators]) / 1000,
            max(result["p99"] for result in results[:generators]) / 1000,
            server_cores,
            generator_cores,
            sum(rates[generators:]),
        )

    def _size_of_answer(self, server: Server, work: Work) -> float:
        """The mean size of the responses to one request of each part of a work."""
        bodies = work.bodies(self._dataset, next(self._runs))[: len(work.parts) or 1]
        return mean(self._size(server, work, body.replace(b"@@", b"probe")) for body in bodies)

    def _size(self, server: Server, work: Work, body: bytes) -> int:
        response = server.ask(body, self._dataset.tokens[work.caller], work.path)
        if "errors" in response:
            raise RuntimeError(f"{server.name} responds to {work.name} with {response}")
        return len(orjson.dumps(response))

    def _start(self, server: Server, work: Work, connections: int, seconds: int) -> subprocess.Popen[str]:
        token = self._dataset.tokens[work.caller]
        run = next(self._runs)
        bodies = self._folder / f"bodies-{server.port}-{run}"
        bodies.write_bytes(b"\n".join(work.bodies(self._dataset, run)) + b"\n")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_SCRIPT)]
        script_arguments = [str(bodies), token, f"run{run}x", work.path]
        return subprocess.Popen(  # noqa: S603 - our own script
            [*command, f"http://127.0.0.1:{server.port}{work.path}", "--", *script_arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _seconds_of_ended_children() -> float:
    """The processor time of ended child processes: while servers run, those are the load generators."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _result(process: subprocess.Popen[str], seconds: int) -> Mapping[str, Any]:
    try:
        output, _ = process.communicate(timeout=seconds + _GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    _, found, line = output.partition("RESULT ")
    if not found:
        raise RuntimeError(f"wrk failed:\n{output[-2000:]}")
    result: dict[str, Any] = orjson.loads(line)
    return result
