"""How variants own buckets: weights are exact, and a raise moves nobody out of a variant."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from gql_service.domain.definitions.buckets import BUCKETS, Range, bucket_of, reallocate
from tests.support.flags import bucket

_NAMES = ["a", "b", "c", "d"]
Owned = Mapping[str, Sequence[Range]]


@st.composite
def _weights(draw: st.DrawFn) -> dict[str, int]:
    """Weights of some variants, at most all buckets together. Often small, so that ranges are split."""
    rest, weights = BUCKETS, {}
    for name in draw(st.lists(st.sampled_from(_NAMES), unique=True)):
        weights[name] = draw(st.integers(0, 3) | st.integers(0, rest))
        rest -= weights[name]
        if rest < 3:
            break
    return weights


def _buckets(ranges: Sequence[Range]) -> list[int]:
    """The buckets of ranges, oldest first."""
    return [each for start, end in ranges for each in range(start, end)]


@given(st.lists(_weights(), min_size=2, max_size=8))
def test_weights_are_exact_and_a_raise_moves_nobody_out_of_a_variant(changes: list[dict[str, int]]) -> None:
    owned: Owned = {}
    for weights in changes:
        before, owned = owned, reallocate(owned, weights)
        assert {name: len(_buckets(ranges)) for name, ranges in owned.items()} == weights
        taken = [each for ranges in owned.values() for each in _buckets(ranges)]
        assert len(taken) == len(set(taken))
        assert all(0 <= each < BUCKETS for each in taken)
        for name, ranges in before.items():
            old, new = _buckets(ranges), _buckets(owned.get(name, ()))
            kept = min(len(old), len(new))
            assert old[:kept] == new[:kept]  # a raise keeps all, a cut gives back the newest


def test_a_rollout_in_steps_needs_one_range() -> None:
    owned: Owned = {}
    for weight in (1000, 5000, 20_000, 50_000, 100_000, 30_000, 100_000):
        owned = reallocate(owned, {"on": weight})
    assert owned == {"on": [(0, BUCKETS)]}


def test_a_freed_bucket_goes_to_whoever_is_raised() -> None:
    owned: Owned = reallocate({}, {"a": 60_000, "b": 40_000})
    assert owned == {"a": [(0, 60_000)], "b": [(60_000, BUCKETS)]}
    assert reallocate(owned, {"a": 50_000, "b": 50_000}) == {
        "a": [(0, 50_000)],
        "b": [(60_000, BUCKETS), (50_000, 60_000)],
    }


def test_a_raise_takes_the_next_buckets_and_then_those_of_the_largest_gap() -> None:
    owned: Owned = {"a": [(0, 5)], "b": [(10, 20)], "c": [(25, 90_000)]}
    raised = reallocate(owned, {"a": 5, "b": 12, "c": 89_975})
    assert raised["b"] == [(10, 22)]
    raised = reallocate(owned, {"a": 5, "b": 18, "c": 89_975})
    assert raised["b"] == [(10, 25), (90_000, 90_003)]


@given(st.text(), st.text(), st.text(), st.text())
def test_the_bucket_of_a_user_follows_the_documented_rule(
    platform_id: str, key: str, salt: str, user_id: str
) -> None:
    assert bucket_of(platform_id, key, salt, user_id) == bucket(platform_id, key, salt, user_id)


def test_buckets_are_even_and_differ_from_key_to_key() -> None:
    users = [f"user-{index}" for index in range(10_000)]
    low = {user for user in users if bucket_of("p", "a", "", user) < 10_000}
    other = {user for user in users if bucket_of("p", "b", "", user) < 10_000}
    # Ten standard deviations from the expected number: no chance, whatever the ids.
    assert 700 < len(low) < 1300
    assert 700 < len(other) < 1300
    assert len(low & other) < 300
