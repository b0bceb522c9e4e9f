"""The checker accepts exactly the histories that have an order: it is compared with trying every order."""

from collections.abc import Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.durability.checker import is_linearizable
from tests.durability.register import (
    EMPTY,
    Action,
    Conflict,
    Delete,
    Operation,
    Outcome,
    Read,
    Replayed,
    State,
    Write,
    apply,
)

ONE, TWO = State(1, 1, 1), State(2, 2, 2)


def operation(action: Action, called: int, returned: int | None, outcome: Outcome | None = None) -> Operation:
    return Operation(action, called, returned, outcome)


WRITTEN = operation(Write(1), 0, 1, ONE)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [operation(Read(), 0, 1, EMPTY)],
        [WRITTEN, operation(Read(), 2, 3, ONE)],
        [WRITTEN, operation(Write(2, expected=1), 2, 3, TWO)],
        [WRITTEN, operation(Write(2, expected=0), 2, 3, Conflict(1))],
        [
            WRITTEN,
            operation(Delete(), 2, 3, State(2, None, None)),
            operation(Delete(), 4, 5, State(2, None, None)),
        ],
        [operation(Write(1), 0, 3, ONE), operation(Read(), 1, 2, EMPTY)],
        [operation(Write(1), 0, 3, ONE), operation(Read(), 1, 2, ONE)],
        [operation(Write(1), 0, None), operation(Read(), 1, 2, EMPTY), operation(Read(), 3, 4, ONE)],
        [operation(Write(1), 0, 1, Replayed()), operation(Read(), 2, 3, ONE)],
        [
            operation(Delete(), 1, 8, Replayed()),
            operation(Write(1), 0, 2, ONE),
            operation(Read(), 3, 4, ONE),
            operation(Read(), 5, 6, State(2, None, None)),
        ],
    ],
)
def test_a_history_that_has_an_order_is_linearizable(history: list[Operation]) -> None:
    assert is_linearizable(history)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([WRITTEN, operation(Read(), 2, 3, EMPTY)], id="a lost update, or a stale read"),
        pytest.param([WRITTEN, operation(Write(2), 2, 3, State(1, 2, 2))], id="a lost update"),
        pytest.param(
            [operation(Write(1), 0, 1, Replayed()), operation(Read(), 2, 3, EMPTY)], id="lost on retry"
        ),
        pytest.param(
            [operation(Write(1), 0, 5, ONE), operation(Read(), 1, 2, ONE), operation(Read(), 3, 4, EMPTY)],
            id="a read that goes back",
        ),
        pytest.param(
            [operation(Write(1), 0, 3, ONE), operation(Read(), 1, 2, State(1, 1, None))], id="a half write"
        ),
        pytest.param([WRITTEN, operation(Read(), 2, 3, State(2, 1, 1))], id="a double application"),
        pytest.param(
            [
                operation(Write(1), 0, None),
                operation(Write(2), 1, 2, ONE._replace(left=2, right=2)),
                operation(Read(), 3, 4, State(2, 1, 1)),
                operation(Read(), 5, 6, State(3, 1, 1)),
            ],
            id="a double application without an answer",
        ),
        pytest.param(
            [
                WRITTEN,
                operation(Write(2, expected=1), 2, 5, TWO),
                operation(Write(3, expected=1), 3, 4, State(2, 3, 3)),
            ],
            id="two winners",
        ),
        pytest.param(
            [WRITTEN, operation(Write(2, expected=1), 2, 3, Conflict(1))], id="a conflict without cause"
        ),
        pytest.param(
            [operation(Read(), 0, 1, ONE), operation(Write(1), 2, 3, ONE)], id="a read of the future"
        ),
    ],
)
def test_a_history_without_an_order_is_not_linearizable(history: list[Operation]) -> None:
    assert not is_linearizable(history)


def execute(state: State, action: Action) -> tuple[State, Outcome]:
    """What a correct document does."""
    if isinstance(action, Write) and action.expected is not None and action.expected != state.revision:
        return state, Conflict(state.revision)
    if isinstance(action, Write):
        state = State(state.revision + 1, action.number, action.number)
    if isinstance(action, Delete) and state.left is not None:
        state = State(state.revision + 1, None, None)
    return state, state


@st.composite
def correct_histories(draw: st.DrawFn, most: int) -> list[Operation]:
    """Histories of a correct document: each action happens at one moment between its call and its return."""
    state = EMPTY
    history = []
    for number in range(draw(st.integers(0, most))):
        expected = st.one_of(st.none(), st.integers(0, most))
        action = draw(
            st.one_of(st.just(Read()), st.builds(Write, st.just(number), expected), st.just(Delete()))
        )
        before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        called = 1000 * (number - before) + number
        fate = draw(st.sampled_from(["answered"] * 4 + ["replayed", "unanswered", "not done"]))
        if fate == "not done":
            history.append(operation(action, called, None))
            continue
        state, outcome = execute(state, action)
        if fate == "unanswered":
            history.append(operation(action, called, None))
            continue
        if fate == "replayed" and isinstance(outcome, State) and not isinstance(action, Read):
            outcome = Replayed()
        history.append(operation(action, called, 1000 * (number + after) + 500 + number, outcome))
    return history


@settings(max_examples=100)
@given(correct_histories(most=20))
def test_every_history_of_a_correct_document_is_linearizable(history: list[Operation]) -> None:
    assert is_linearizable(history)


def has_an_order(history: Sequence[Operation]) -> bool:
    """The definition: try every order of the answered operations and of any of the others."""
    answered = [each for each in history if each.returned is not None]
    others = [each for each in history if each.returned is None]
    return any(
        _fits(order)
        for count in range(len(others) + 1)
        for some in combinations(others, count)
        for order in permutations([*answered, *some])
    )


def _fits(order: Sequence[Operation]) -> bool:
    state = EMPTY
    for number, each in enumerate(order):
        if any(later.returned is not None and later.returned < each.called for later in order[number + 1 :]):
            return False
        after = apply(state, each.action, each.outcome)
        if after is None:
            return False
        state = after
    return True


@given(correct_histories(most=5), st.data())
def test_the_checker_decides_like_trying_every_order(history: list[Operation], data: st.DataObject) -> None:
    """Some of the histories are made wrong, by one outcome that is another's or is made up."""
    answered = [number for number, each in enumerate(history) if each.returned is not None]
    if data.draw(st.booleans()) and answered:
        number = data.draw(st.sampled_from(answered))
        numbers = st.one_of(st.none(), st.integers(0, 4))
        made_up = st.builds(State, st.integers(0, 5), numbers, numbers)
        outcome = data.draw(st.one_of(made_up, st.sampled_from([history[each].outcome for each in answered])))
        history[number] = history[number]._replace(outcome=outcome)
    assert is_linearizable(history) == has_an_order(history)
