"""What users may be searched by: conditions on keys of their metadata, checked before the database is asked.

A value is found by a digest of its canonical text, so that equality is exact for every type, and holds for
encrypted values. Texts are compared by their bytes, numbers as doubles, dates as instants.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.domain.search.index import MAX_TEXT, equality
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.types import InvalidValue, canonical_date, comparable_date
from gql_service.errors import BadUserInput

MAX_CONDITIONS = 5
MAX_VALUES = 100
"""Values of one `in`."""

ConditionInput = Mapping[str, Any]
"""A condition as a client has given it, by the names of its operators; what is left out is not there."""

COMPARISONS = {
    "greater_than": ">",
    "greater_than_or_equal": ">=",
    "less_than": "<",
    "less_than_or_equal": "<=",
}
_OPERATORS = ("equals", "in_", "exists", "prefix", *COMPARISONS)
_NOTHING = b""
"""No digest is empty."""

Bounds = tuple[tuple[str, Any], ...]
"""What a value is to be in comparison with others: `>`, `>=`, `<` or `<=`, and with which."""


class Condition(NamedTuple):
    """What is to hold for one key of a user: all of it, of an entry that is valid now."""

    key: str
    absent: bool = False
    """There is to be no such entry."""
    digests: tuple[bytes, ...] = ()
    """The value is to have one of them, where there are any."""
    dated: tuple[bytes, ...] = ()
    """Those of them that stand for dates only, as the text was given in another form."""
    begins: Bounds = ()
    """How the text is to compare."""
    texts: Bounds = ()
    numbers: Bounds = ()
    """How the value is to compare: a text by `texts`, a number by `numbers`, a date by `numbers` if there
    are both."""

    @property
    def compares(self) -> bool:
        """Whether it asks for more than equality, which is all that encrypted values can be found by."""
        return bool(self.begins or self.texts or self.numbers)


class Searchable(NamedTuple):
    """What is known of a key of a platform."""

    indexed: bool
    encrypted: bool


def conditions_of(given: Sequence[ConditionInput], platform_id: str, keys: KeyRing) -> tuple[Condition, ...]:
    """Raises BadUserInput."""
    if len(given) > MAX_CONDITIONS:
        raise BadUserInput(
            f"There are {len(given)} conditions on metadata; {MAX_CONDITIONS} are allowed at once."
        )
    return tuple(_condition(each, platform_id, keys) for each in given)


def require_searchable(conditions: Sequence[Condition], known: Sequence[Searchable]) -> None:
    """Whether users may be searched like that, given what is known of each key. Raises BadUserInput."""
    for condition, searchable in zip(conditions, known, strict=True):
        shown = repr(condition.key[:80])
        if not searchable.indexed:
            raise BadUserInput(
                f"The key {shown} is not indexed on this platform, so users cannot be searched by it. Set "
                "its entries with `isIndexed: true`, or define it as indexed."
            )
        if searchable.encrypted and condition.compares:
            raise BadUserInput(
                f"The values of {shown} are encrypted, so they are found by `equals`, `in` and `exists` only."
            )


def _condition(given: ConditionInput, platform_id: str, keys: KeyRing) -> Condition:
    key = given["key"]
    _check_text(key)
    # Null is a value that an entry may equal; as any other operand it says nothing.
    asked = {name: given[name] for name in _OPERATORS if name in given}
    asked = {name: operand for name, operand in asked.items() if operand is not None or name == "equals"}
    if not asked:
        raise BadUserInput(f"The condition on {key[:80]!r} needs at least one operator, such as `equals`.")
    if asked.get("exists") is False:
        if len(asked) > 1:
            raise BadUserInput(f"{key[:80]!r}: `exists: false` goes with no other operator.")
        return Condition(key, absent=True)
    digests, dated = _equal(asked, platform_id, key, keys)
    texts, numbers = _compared(key, asked)
    begins = _prefix(key, asked["prefix"]) if "prefix" in asked else ()
    return Condition(key, False, digests, dated, begins, texts, numbers)


def _equal(
    asked: ConditionInput, platform_id: str, key: str, keys: KeyRing
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The digests of what the value may be, and those of them that stand for dates only."""

    def digests(texts: Iterable[str]) -> set[bytes]:
        return {
            digest for text in texts for digest in (equality(text), *keys.equalities(platform_id, key, text))
        }

    lists = [[asked["equals"]]] if "equals" in asked else []
    if "in_" in asked:
        if len(asked["in_"]) > MAX_VALUES:
            raise BadUserInput(f"{key[:80]!r}: `in` takes at most {MAX_VALUES} values.")
        lists.append(asked["in_"])
    if not lists:
        return (), ()
    found, dated = list[set[bytes]](), set[bytes]()
    for values in lists:
        exact = digests(text for value in values for text in _spellings(value))
        dates = digests(strict_json.dumps(date) for date in map(_date, values) if date is not None)
        found.append(exact | dates)
        dated |= dates - exact
    either = set.intersection(*found) or {_NOTHING}
    return tuple(sorted(either)), tuple(sorted(dated & either))


def _spellings(value: Any) -> list[str]:
    """The canonical texts of all values that equal one: a number may be stored with or without a point."""
    if type(value) not in (int, float):
        return [strict_json.dumps(value)]
    texts = [strict_json.dumps(value)]
    if float(value) == value:
        texts.append(strict_json.dumps(float(value)))
    if value == 0:
        texts += ["0", "0.0", "-0.0"]
    elif value == int(value) and -(2**63) <= value < 2**63:
        texts.append(strict_json.dumps(int(value)))
    return texts


def _date(value: Any) -> str | None:
    """The canonical text of a date; None for anything else."""
    try:
        return canonical_date(value) if isinstance(value, str) else None
    except InvalidValue:
        return None


def _compared(key: str, asked: ConditionInput) -> tuple[Bounds, Bounds]:
    """What texts and what numbers the value is to compare with. Raises BadUserInput."""
    bounds = [(sign, asked[name]) for name, sign in COMPARISONS.items() if name in asked]
    operands = [operand for _, operand in bounds]
    if all(type(operand) in (int, float) for operand in operands):
        return (), tuple((sign, float(operand)) for sign, operand in bounds)
    if not all(isinstance(operand, str) for operand in operands):
        raise BadUserInput(f"{key[:80]!r}: compare with numbers, or with texts and dates, not with others.")
    for operand in operands:
        _check_compared(key, operand)
    dates = [_date(operand) for operand in operands]
    numbers = [(sign, comparable_date(date)) for (sign, _), date in zip(bounds, dates, strict=True) if date]
    return tuple(bounds), tuple(numbers) if len(numbers) == len(bounds) else ()


def _prefix(key: str, prefix: str) -> Bounds:
    """The texts that begin with one lie between it and the first text after all of them."""
    _check_compared(key, prefix)
    end = _after(prefix)
    return ((">=", prefix), ("<", end)) if end else ((">=", prefix),)


def _after(prefix: str) -> str:
    """The first text, by its bytes, after all that begin with a prefix; empty where there is none."""
    head = prefix.rstrip(chr(sys.maxunicode))
    if not head:
        return ""
    last = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if last == 0xD800 else last)  # a surrogate is no character


def _check_compared(key: str, text: str) -> None:
    _check_text(text)
    if len(text) > MAX_TEXT:
        raise BadUserInput(
            f"{key[:80]!r}: texts are compared by their first {MAX_TEXT} characters; {len(text)} were given."
        )


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadUserInput("Text must not contain the character U+0000.")
