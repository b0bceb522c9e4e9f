"""Requests that come while others read wait for these to finish reading, and then begin together.

So they read the same things at the same time, and each read is made once for all of them. If each began when
it comes, requests of different length would soon be at different steps, and share few reads. Writes and scans
hold nobody up.
"""

import asyncio
from collections.abc import Callable, Sized

from gql_service.store.turn import Turn

_MIN_RUNNING = 4
"""With fewer running requests, waiting for each other costs more than it saves."""
_MAX_WAIT = 0.1
"""Seconds. Nobody waits longer for the reads of others."""
_QUIET_TURNS = 2
"""Turns of the event loop without a read, after which a wave has finished: a task needs one to wake up."""


class Waves:
    """Lets requests begin. Those that begin together are a wave."""

    def __init__(self, turn: Turn) -> None:
        """`turn` has the reads of the database."""
        self._turn = turn
        self._waiting: list[tuple[Callable[[], None], Sized]] = []
        self._is_closed = False
        """Whether a wave runs that others have to wait for."""
        self._in_next_turn: asyncio.Handle | None = None
        """What is called in the next turn of the event loop."""
        self._timer: asyncio.TimerHandle | None = None
        self._rounds = 0
        """The rounds of `turn` at the last look."""
        self._quiet_turns = 0
        """Turns since the last read."""

    def join(self, begin: Callable[[], None], running: Sized) -> None:
        """Call `begin` now, or with the next wave. `running` has the requests that have begun."""
        if self._is_closed:
            self._waiting.append((begin, running))
            return
        begin()
        if self._in_next_turn is None:
            self._in_next_turn = asyncio.get_running_loop().call_soon(self._close, running)

    def _close(self, running: Sized) -> None:
        """Everything that came in one turn has begun: let others wait."""
        self._in_next_turn = None
        if len(running) >= _MIN_RUNNING:
            self._is_closed = True
            self._timer = asyncio.get_running_loop().call_later(_MAX_WAIT, self._give_up)
            self._look_again()

    def _look_again(self) -> None:
        """Look in each turn whether anything is read, until nothing is."""
        self._quiet_turns = 0
        self._look()

    def _look(self) -> None:
        turn = self._turn
        if turn.rounds != self._rounds:
            self._rounds, self._quiet_turns = turn.rounds, 0
        if turn.running.count:
            turn.running.on_end = self._look_again
        elif self._quiet_turns < _QUIET_TURNS:
            self._quiet_turns += 1
            self._in_next_turn = asyncio.get_running_loop().call_soon(self._look)
        else:
            self._open()

    def _give_up(self) -> None:
        """Something is read for long. Nobody else has to wait for that."""
        self._turn.forget_running()
        if self._in_next_turn is not None:
            self._in_next_turn.cancel()
        self._open()

    def _open(self) -> None:
        """Let those who wait begin."""
        self._is_closed, self._in_next_turn = False, None
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, []
        for begin, running in waiting:
            self.join(begin, running)
