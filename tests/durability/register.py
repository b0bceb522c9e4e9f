"""The model of one document: a register with a revision. It says which outcomes an action may have."""

from typing import NamedTuple


class State(NamedTuple):
    """A document at one moment. Every write sets `left` and `right` to the same number."""

    revision: int
    left: int | None
    right: int | None


class Conflict(NamedTuple):
    """The document was not at the expected revision."""

    revision: int


class Replayed(NamedTuple):
    """The write was applied, by this request or by an earlier one with the same idempotency key."""


class Read(NamedTuple):
    """Read the document."""


class Write(NamedTuple):
    """Set both keys to this number, which no other write uses.

    With `expected`, only if the document is at this revision.
    """

    number: int
    expected: int | None = None


class Delete(NamedTuple):
    """Delete both keys."""


Action = Read | Write | Delete
Outcome = State | Conflict | Replayed
EMPTY = State(0, None, None)


class Operation(NamedTuple):
    """An action of a client.

    Calls and returns are numbered in the order in which they happened. Without an answer, `returned` and
    `outcome` are None: the action may have happened at any time after the call, or never.
    """

    action: Action
    called: int
    returned: int | None
    outcome: Outcome | None


def apply(state: State, action: Action, outcome: Outcome | None) -> State | None:
    """The state after the action; None if the action cannot have this outcome in this state."""
    match action:
        case Write(_, expected) if expected not in (None, state.revision):
            return state if outcome in (None, Conflict(state.revision)) else None
        case Write(number):
            after = State(state.revision + 1, number, number)
        case Delete() if state.left is not None:
            after = State(state.revision + 1, None, None)
        case _:  # a write that changes nothing leaves no trace
            after = state
    return after if outcome in (None, after, Replayed()) else None
