"""What executing an operation costs: every object asked for, as often as pages and lists may have it.

It is measured by the names of arguments, before validation. What variables will say is not known then, so a
cost is a sum of products of their sizes, which each request evaluates.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import FieldNode, IntValueNode, ListValueNode, ObjectValueNode, ValueNode, VariableNode

from gql_service.errors import LimitExceeded

_PAGES = ("first", "last")
_LISTS = ("ids", "representations")
"""The arguments that tell how many objects a field finds, by their number or their items."""
_INPUT, _PATCHES = "input", "patches"
"""The argument of mutations, and what in it tells how many objects are written."""
_MAX_INT = 2**31 - 1
"""Of GraphQL; validation refuses what is larger."""

Terms = dict[tuple[str, ...], int]
"""A sum of products: the variables whose sizes are multiplied, with what the product is multiplied by."""


class Cost(NamedTuple):
    """What an operation costs, and what it may."""

    allowed: int
    constant: int
    terms: tuple[tuple[int, tuple[str, ...]], ...]

    @classmethod
    def of(cls, terms: Terms, allowed: int) -> "Cost":
        return cls(
            allowed, terms.get((), 0), tuple((factor, names) for names, factor in terms.items() if names)
        )

    def evaluate(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables, which are coerced."""
        total = self.constant
        for product, names in self.terms:
            for name in names:
                product *= _size(variables.get(name))
            total += product
        return total

    def refusal(self, variables: Mapping[str, Any]) -> LimitExceeded | None:
        """Why the operation may not be executed with these variables, if it may not."""
        cost = self.evaluate(variables) if self.terms else self.constant
        if cost <= self.allowed:
            return None
        return LimitExceeded(
            f"The operation would cost {cost}; {self.allowed} are allowed. An object costs 1, and what is "
            "asked of the items of a page or list counts for each of them. Ask for less at once."
        )


def of_field(node: FieldNode, inner: Terms) -> Terms:
    """The cost of a field with selections: an object and what is asked of it, for each object it finds."""
    factor, variables = 1, []
    for name, value in _sizes(node):
        if isinstance(value, VariableNode):
            variables.append(value.name.value)
        elif isinstance(value, ListValueNode) and name not in _PAGES:
            factor *= _size(value.values)
        elif isinstance(value, IntValueNode) and name in _PAGES:
            factor *= _size(_number(value.value))
    own = tuple(sorted(variables))
    terms = {own: factor}
    for names, count in inner.items():
        product = tuple(sorted(names + own)) if own else names
        terms[product] = terms.get(product, 0) + count * factor
    return terms


def _sizes(node: FieldNode) -> Iterator[tuple[str, ValueNode]]:
    """The arguments that tell sizes, with their names."""
    for argument in node.arguments or ():
        name, value = argument.name.value, argument.value
        if name in _PAGES or name in _LISTS or (name == _INPUT and isinstance(value, VariableNode)):
            yield name, value
        elif name == _INPUT and isinstance(value, ObjectValueNode):
            yield from ((_PATCHES, each.value) for each in value.fields if each.name.value == _PATCHES)


def _number(digits: str) -> int | None:
    number = int(digits) if len(digits) <= len(str(_MAX_INT)) else None
    return None if number is None or number > _MAX_INT else number


def _size(value: Any) -> int:
    """How many objects the value of an argument means; what is absent or no size counts once."""
    if isinstance(value, dict):  # the whole input of a mutation
        return _size(value.get(_PATCHES))
    if isinstance(value, list | tuple):
        return max(1, len(value))
    return max(1, value) if type(value) is int else 1
