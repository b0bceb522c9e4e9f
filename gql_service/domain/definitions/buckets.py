"""Buckets: which variant of a key a user gets, computed from their id, so that nothing is stored per user.

A variant owns ranges of buckets, in the order in which it got them. A raise of its weight takes buckets that
nobody owns, and a cut gives back the newest ones. So a raise moves no user out of any variant, and a cut only
those who came last.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from gql_service import strict_json

BUCKETS = 100_000
Range = tuple[int, int]
"""The first bucket, and the one after the last."""


def bucket_of(platform_id: str, key: str, salt: str, user_id: str) -> int:
    """The bucket of a user for a key."""
    text = strict_json.dumps([platform_id, key, salt, user_id])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % BUCKETS


def reallocate(owned: Mapping[str, Sequence[Range]], weights: Mapping[str, int]) -> dict[str, list[Range]]:
    """The ranges of each variant at a new weight, given those that it owns now, oldest first.

    The sum of the weights must not exceed BUCKETS.
    """
    ranges = {name: _first(owned.get(name, ()), weight) for name, weight in weights.items()}
    for name, weight in weights.items():
        missing = weight - size(ranges[name])
        if missing > 0:
            ranges[name] = _extended(ranges[name], missing, _free(ranges.values()))
    return ranges


def size(ranges: Iterable[Range]) -> int:
    """The number of buckets in ranges."""
    return sum(end - start for start, end in ranges)


def _first(ranges: Sequence[Range], count: int) -> list[Range]:
    """The oldest `count` buckets of ranges, or all if there are fewer."""
    kept: list[Range] = []
    for start, end in ranges:
        if count <= 0:
            break
        kept.append((start, min(end, start + count)))
        count -= end - start
    return kept


def _extended(ranges: list[Range], count: int, free: list[Range]) -> list[Range]:
    """Ranges with `count` free buckets more: those after the newest range, then from the largest gaps, so
    that there are few ranges."""
    newest_end = ranges[-1][1] if ranges else None
    for start, end in sorted(free, key=lambda gap: (gap[0] != newest_end, gap[0] - gap[1], gap[0])):
        if count <= 0:
            break
        taken_end = min(end, start + count)
        if ranges and ranges[-1][1] == start:
            ranges = [*ranges[:-1], (ranges[-1][0], taken_end)]
        else:
            ranges = [*ranges, (start, taken_end)]
        count -= taken_end - start
    return ranges


def _free(owned: Iterable[Iterable[Range]]) -> list[Range]:
    """The ranges that no variant owns."""
    gaps: list[Range] = []
    position = 0
    for start, end in sorted(each for ranges in owned for each in ranges):
        if start > position:
            gaps.append((position, start))
        position = max(position, end)
    if position < BUCKETS:
        gaps.append((position, BUCKETS))
    return gaps
