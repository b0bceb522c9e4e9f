"""Numbers in JSON and GraphQL literals: how they are read, and their one spelling.

Numbers that are mathematically equal are one value. Integers of 64 bits are exact; every other number is the
nearest double. They are written as ECMAScript writes them (ECMA-262, Number::toString), so that a JavaScript
client that sends back what it has read changes nothing: `10.0` is `10`, and `-0.0` is `0`.
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

    Beyond 64 bits, it must be the exact value of a double, or as ECMAScript writes a double.
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
    if int(double) != integer and text(double) != digits:
        raise OutOfRange
    return double


def parse_double(digits: str) -> int | float:
    """The number that is written with a fraction or an exponent. Raises OutOfRange."""
    double = float(digits)
    if not isfinite(double):
        raise OutOfRange
    if abs(double) < _EXACT or abs(double) > -MIN_INTEGER:
        return double
    exact = Decimal(digits)
    is_integer = exact == exact.to_integral_value()
    return int(exact) if is_integer and MIN_INTEGER <= exact <= MAX_INTEGER else double


def normalized(double: float) -> int | float:
    """The same number, as an integer if its spelling is one of 64 bits."""
    if not double.is_integer():
        return double
    integer = int(double) if abs(double) < _EXACT else int(Decimal(repr(double)))
    return integer if MIN_INTEGER <= integer <= MAX_INTEGER else double


def text(number: float) -> str:
    """A finite number as ECMAScript writes it."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)  # it is finite
    written = "".join(map(str, digits))
    point = len(digits) + exponent
    """Where the decimal point is, counted from the first digit."""
    if len(digits) <= point <= 21:
        written += "0" * exponent
    elif 0 < point <= 21:
        written = f"{written[:point]}.{written[point:]}"
    elif -6 < point <= 0:
        written = f"0.{'0' * -point}{written}"
    else:
        fraction = f".{written[1:]}" if len(digits) > 1 else ""
        written = f"{written[0]}{fraction}e{point - 1:+}"
    return "-" * sign + written if number else "0"
