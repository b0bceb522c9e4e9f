"""Search conditions on metadata keys: parsed and checked before the database is queried.

Equality compares digests of canonical texts, so that it is exact for all types and finds encrypted values.
Comparisons order texts by code points, numbers as doubles, and dates as instants.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.search.index import MAX_TEXT, equality_digest, folded_digest, member_digest
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.refusals import too_many_message
from gql_service.domain.values.types import InvalidValue, canonical_date, comparable_date
from gql_service.errors import BadUserInput
from gql_service.quoting import quoted

MAX_CONDITIONS = 5
MAX_VALUES = 100
"""Values of one `in`."""

ConditionInput = Mapping[str, Any]
"""A condition from a client: `key`, and the operands by the names of their operators."""

COMPARISONS = {
    "greater_than": ">",
    "greater_than_or_equal": ">=",
    "less_than": "<",
    "less_than_or_equal": "<=",
}
_OPERATORS = ("equals", "in_", "exists", "prefix", "equals_ignore_case", "contains", *COMPARISONS)
MAX_SCANNED_TEXTS = 20_000
"""Texts that a search may read to find those that contain another text."""
_NO_DIGEST = b""
"""Matches nothing: no digest is empty."""

Bounds = tuple[tuple[str, Any], ...]
"""Comparisons that must all hold: the SQL operator (`>`, `>=`, `<` or `<=`) and the operand of each."""


class Condition(NamedTuple):
    """What must hold for a user's entry of one key that is currently valid; all of it must."""

    key: str
    absent: bool = False
    """There must be no such entry; then there is nothing else."""
    digests: tuple[bytes, ...] = ()
    """The equality digest of the value must be among these, unless they are empty."""
    date_digests: tuple[bytes, ...] = ()
    """Those of `digests` that match only dates: the operand was a date, but not in canonical form."""
    prefix_bounds: Bounds = ()
    """Comparisons of the text that select the prefix."""
    text_bounds: Bounds = ()
    number_bounds: Bounds = ()
    """Comparisons of the value: texts use `text_bounds`, numbers use `number_bounds`. If both are present,
    dates use `number_bounds`."""
    path: str = ""
    """The JSON Pointer of the part of the entry's value that all this is about; empty: the whole value."""
    folded: bytes = b""
    """The digest of a text that ignores case; empty if there is none."""
    member: bytes = b""
    """The digest of a member of the array that is the value; empty if there is none."""
    substring: str = ""
    """A text that the value contains. Then an array with the member `member` matches, too."""
    is_sortable: bool = False
    """The value must be a number, a text or a date."""

    @property
    def has_bounds(self) -> bool:
        """Whether it compares values other than for equality. Encrypted values never match then."""
        return bool(self.prefix_bounds or self.text_bounds or self.number_bounds)


class Searchability(NamedTuple):
    """What determines how users can be searched by a key of a platform."""

    indexed: bool
    """Whether it is defined as indexed, or has indexed entries."""
    paths: Sequence[str] = ()
    """The paths of its values that are indexed."""


def parse_conditions(
    inputs: Sequence[ConditionInput], platform_id: str, keys: KeyRing
) -> tuple[Condition, ...]:
    """Parse the conditions of one search. Raises BadUserInput."""
    if len(inputs) > MAX_CONDITIONS:
        raise BadUserInput(too_many_message(len(inputs), "conditions on metadata", MAX_CONDITIONS))
    return tuple(condition for each in inputs for condition in _parse_condition(each, platform_id, keys))


def require_searchable(conditions: Sequence[Condition], keys: Sequence[Searchability]) -> None:
    """Refuse conditions on what is not indexed; `keys` describes the key of each. Raises BadUserInput.

    Encrypted values are no reason to refuse: otherwise, one entry would make searches fail for everybody.
    """
    for condition, searchability in zip(conditions, keys, strict=True):
        if condition.path:
            _require_path(condition, searchability.paths)
        elif not searchability.indexed:
            raise BadUserInput(
                f"The key {quoted(condition.key)} is not indexed on this platform, so users cannot be "
                "searched by it. Set its entries with `isIndexed: true`, or define it as indexed."
            )


def require_few_texts(counts: Sequence[int]) -> None:
    """Refuse a search that has to read too many texts. Raises BadUserInput."""
    if any(count > MAX_SCANNED_TEXTS for count in counts):
        raise BadUserInput(
            f"More than {MAX_SCANNED_TEXTS:,} texts would have to be read to find those that `contains` "
            "matches. Add a condition that selects fewer users, such as `equals`, `in`, `prefix` or "
            "`greaterThan`."
        )


def _require_path(condition: Condition, paths: Sequence[str]) -> None:
    if condition.path not in paths:
        raise BadUserInput(
            f"The path {quoted(condition.path)} of {quoted(condition.key)} is not indexed on this platform. "
            "Define the key with this path in `indexedPaths`."
        )


def _parse_condition(condition: ConditionInput, platform_id: str, keys: KeyRing) -> list[Condition]:
    """The conditions of one input. A user has one entry of each key, so all of them are about the same."""
    key, path = condition["key"], condition.get("path") or ""
    check_no_nul(key + path)
    # Null is a value that an entry may equal. For every other operator it is the same as leaving it out.
    operands = {
        name: condition[name]
        for name in _OPERATORS
        if name in condition and (condition[name] is not None or name == "equals")
    }
    if not operands:
        raise BadUserInput(f"The condition on {quoted(key)} needs at least one operator, such as `equals`.")
    if operands.get("exists") is False:
        if len(operands) > 1:
            raise BadUserInput(f"{quoted(key)}: `exists: false` cannot be combined with another operator.")
        return [Condition(key, absent=True, path=path)]
    parsed = []
    if "equals_ignore_case" in operands:
        folded = folded_digest(operands.pop("equals_ignore_case"))
        parsed.append(Condition(key, path=path, folded=folded))
    if "contains" in operands:
        parsed.append(_containment(key, path, operands.pop("contains")))
    return [*parsed, _comparison(key, path, operands, platform_id, keys)] if operands else parsed


def _comparison(key: str, path: str, operands: ConditionInput, platform_id: str, keys: KeyRing) -> Condition:
    digests, date_digests = _equality_digests(operands, platform_id, key, keys)
    text_bounds, number_bounds = _comparison_bounds(key, operands)
    prefix_bounds = _prefix_bounds(key, operands["prefix"]) if "prefix" in operands else ()
    return Condition(key, False, digests, date_digests, prefix_bounds, text_bounds, number_bounds, path)


def _containment(key: str, path: str, operand: Any) -> Condition:
    if isinstance(operand, list | dict):
        raise BadUserInput(f"{quoted(key)}: `contains` takes a text, a number or a boolean.")
    member = member_digest(strict_json.dumps(operand))
    if not isinstance(operand, str):
        return Condition(key, path=path, member=member)
    _check_comparable_text(key, operand)
    if not operand:
        raise BadUserInput(f"{quoted(key)}: the text of `contains` needs at least one character.")
    return Condition(key, path=path, member=member, substring=operand)


def _equality_digests(
    operands: ConditionInput, platform_id: str, key: str, keys: KeyRing
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """`Condition.digests` and `Condition.date_digests` of `equals` and `in`."""

    def digests_of(texts: Iterable[str]) -> set[bytes]:
        return {
            digest
            for text in texts
            for digest in (equality_digest(text), *keys.equality_digests(platform_id, key, text))
        }

    value_lists = [[operands["equals"]]] if "equals" in operands else []
    if "in_" in operands:
        if len(operands["in_"]) > MAX_VALUES:
            raise BadUserInput(f"{quoted(key)}: `in` takes at most {MAX_VALUES} values.")
        value_lists.append(operands["in_"])
    if not value_lists:
        return (), ()
    alternatives, date_digests = list[set[bytes]](), set[bytes]()
    for values in value_lists:
        exact = digests_of(text for value in values for text in _spellings(value))
        dates = digests_of(strict_json.dumps(date) for date in map(_as_date, values) if date is not None)
        alternatives.append(exact | dates)
        date_digests |= dates - exact
    digests = set.intersection(*alternatives) or {_NO_DIGEST}
    return tuple(sorted(digests)), tuple(sorted(date_digests & digests))


def _spellings(value: Any) -> list[str]:
    """The canonical text of a value. Of a number also the text that encrypted entries of version 0.1 were
    indexed by: it told integers from doubles."""
    texts = [strict_json.dumps(value)]
    if type(value) in (int, float):
        texts.append(orjson.dumps(float(value)).decode())
        texts += ["-0.0"] if value == 0 else []
    return texts


def _as_date(value: Any) -> str | None:
    """The canonical text of a value that is a date; None for other values."""
    try:
        return canonical_date(value) if isinstance(value, str) else None
    except InvalidValue:
        return None


def _comparison_bounds(key: str, operands: ConditionInput) -> tuple[Bounds, Bounds]:
    """`Condition.text_bounds` and `Condition.number_bounds`. Raises BadUserInput."""
    bounds = [(operator, operands[name]) for name, operator in COMPARISONS.items() if name in operands]
    values = [value for _, value in bounds]
    if all(type(value) in (int, float) for value in values):
        return (), tuple((operator, float(value)) for operator, value in bounds)
    if not all(isinstance(value, str) for value in values):
        message = "the operands of comparisons must be all numbers, or all texts and dates."
        raise BadUserInput(f"{quoted(key)}: {message}")
    for value in values:
        _check_comparable_text(key, value)
    dates = [_as_date(value) for value in values]
    number_bounds = [
        (operator, comparable_date(date)) for (operator, _), date in zip(bounds, dates, strict=True) if date
    ]
    return tuple(bounds), tuple(number_bounds) if len(number_bounds) == len(bounds) else ()


def _prefix_bounds(key: str, prefix: str) -> Bounds:
    """The range of texts that begin with a prefix."""
    _check_comparable_text(key, prefix)
    end = end_of_prefix(prefix)
    return ((">=", prefix), ("<", end)) if end else ((">=", prefix),)


def end_of_prefix(prefix: str) -> str:
    """The first text, by code points, after all texts that begin with a prefix; empty if there is none."""
    head = prefix.rstrip(chr(sys.maxunicode))
    if not head:
        return ""
    start, last = head[:-1], ord(head[-1]) + 1
    return start + chr(0xE000 if last == 0xD800 else last)  # surrogates are not characters


def _check_comparable_text(key: str, text: str) -> None:
    check_no_nul(text)
    if len(text) > MAX_TEXT:
        raise BadUserInput(
            f"{quoted(key)}: a text to look for or to compare with has at most {MAX_TEXT} characters; "
            f"this one has {len(text)}."
        )


def check_no_nul(text: str) -> None:
    """Refuse a text that no database stores. Raises BadUserInput."""
    if "\0" in text:
        raise BadUserInput(strict_json.NUL_REFUSAL)
