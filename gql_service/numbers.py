"""Numbers in JSON and GraphQL literals: how they are read.

Numbers that are mathematically equal are one value: `10.0` is `10`, and `-0.0` is `0`. Integers of 64 bits
are exact; every other number is the nearest double. A double whose shortest spelling is an integer of 64 bits
is normalized to that integer: so ECMAScript writes it, and so it comes back from a JavaScript client.
"""

from decimal import Decimal
from math import isfinite

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
_EXACT = 2**53
"""Below it, a double without a fraction is the only integer that is read as this double."""
_MAX_DIGITS = 310
"""More digits than the largest double has before the point."""
OUT_OF_RANGE = "Numbers must be finite, and integers beyond 64 bits must be exact as a double."


class OutOfRange(ValueError):
    """The number is no integer of 64 bits, and no double holds it."""

    def __init__(self) -> None:
        super().__init__(OUT_OF_RANGE)


def parse_integer(digits: str) -> int | float:
    """The number that is written as an integer. Raises OutOfRange.

    Beyond 64 bits, it must be the exact value of a double, or its shortest spelling.
    """
    if len(digits) > _MAX_DIGITS:
        raise OutOfRange
    integer = int(digits)
    if MIN_INTEGER <= integer <= MAX_INTEGER:
        return integer
    try:
        double = float(integer)
    except OverflowError:
        raise OutOfRange from None
    if integer not in (int(double), int(Decimal(repr(double)))):
        raise OutOfRange
    return double


def parse_double(digits: str) -> int | float:
    """The number that is written with a fraction or an exponent. Raises OutOfRange."""
    double = float(digits)
    if -_EXACT < double < _EXACT:
        return normalized(double)
    if not isfinite(double):
        raise OutOfRange
    if abs(double) > -MIN_INTEGER:
        return double
    exact = Decimal(digits)
    is_integer = exact == exact.to_integral_value() and MIN_INTEGER <= exact <= MAX_INTEGER
    return int(exact) if is_integer else normalized(double)


def normalized(double: float) -> int | float:
    """The same number, as an integer if its shortest spelling is an integer of 64 bits."""
    if not double.is_integer() or not MIN_INTEGER <= double <= MAX_INTEGER:
        return double
    if -_EXACT < double < _EXACT:
        return int(double)
    integer = int(Decimal(repr(double)))
    return integer if MIN_INTEGER <= integer <= MAX_INTEGER else double
