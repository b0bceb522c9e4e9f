"""What an operation costs: the number of objects that it may return, and of objects in lists that it reads.

Pages and lists count at full length.

The cost is computed before validation, so it depends on argument names alone, not on the schema. Sizes may be
variables, whose values are only known when the operation is executed. The cost is therefore a polynomial: a
sum of products of variables.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

from graphql import FieldNode, IntValueNode, ListValueNode, ObjectValueNode, ValueNode, VariableNode

from gql_service.errors import LimitExceeded
from gql_service.settings import PREFIX

PAGE_ARGUMENTS = ("first", "last")
"""Their value is the number of objects that a field returns."""
PAGE_FIELDS = ("nodes", "edges")
"""A field with one of these selects a page, which has `_DEFAULT_PAGE` objects without a page argument."""
_DEFAULT_PAGE = 20
_LIST_ARGUMENTS = ("ids", "representations")
"""The length of their value is the number of objects that a field returns."""
_INPUT, _PATCHES = "input", "patches"
"""The argument of mutations, and its field whose length is the number of objects that a mutation writes."""
_OBJECT_LISTS = ("operations", "entries", "expectedDigests")
"""Fields of `input`, and of each of its `patches`, that are lists of objects. Each object costs 1."""
_ITEMS = ".items"
"""Follows the name of a variable that is an `input`: the number of objects in its `_OBJECT_LISTS`."""
_PAGE = ".page"
"""Follows the names of the page arguments' variables: the size of the page, if one of them has a value."""
_MAX_INT = 2**31 - 1
"""The largest value of GraphQL's type Int; validation rejects larger ones."""

CostTerms = dict[tuple[str, ...], int]
"""A polynomial: the coefficient of each product of (sorted) variables. `()` has the constant."""


class Cost(NamedTuple):
    """The cost of an operation, or that of its entities, and the limit for it."""

    subject: str
    """What costs, at the start of a message."""
    limit: int
    setting: str
    """The setting that has the limit."""
    constant: int
    terms: tuple[tuple[int, tuple[str, ...]], ...]
    """Coefficients, and the variables that each is multiplied by."""
    counts_input: bool
    """Whether it counts the objects in the lists of a variable."""

    @classmethod
    def from_terms(cls, subject: str, terms: CostTerms, limit: int, setting: str) -> "Cost":
        products = tuple((coefficient, names) for names, coefficient in terms.items() if names)
        counts_input = any(name.endswith(_ITEMS) for _, names in products for name in names)
        return cls(subject, limit, setting, terms.get((), 0), products, counts_input)

    def _evaluate(self, variables: Mapping[str, Any], default_page: int) -> int:
        total = self.constant
        for product, names in self.terms:
            for name in names:
                if name.endswith(_ITEMS):
                    product *= _count_objects(variables.get(name.removesuffix(_ITEMS)))
                elif name.endswith(_PAGE):
                    values = [variables.get(each) for each in name.removesuffix(_PAGE).split(",")]
                    sizes = [_size(value) for value in values if value is not None]
                    product *= max(sizes, default=default_page)
                else:
                    product *= _size(variables.get(name))
            total += product
        return total

    def limit_error(self, variables: Mapping[str, Any]) -> LimitExceeded | None:
        """The error to report if the operation costs too much with these coerced variables."""
        return self._limit_error(variables, _DEFAULT_PAGE)

    def early_limit_error(self, variables: Mapping[str, Any]) -> LimitExceeded | None:
        """The same for some of the variables as the client sent them. The others may make it cost more."""
        return self._limit_error(variables, 1)

    def _limit_error(self, variables: Mapping[str, Any], default_page: int) -> LimitExceeded | None:
        cost = self._evaluate(variables, default_page) if self.terms else self.constant
        if cost <= self.limit:
            return None
        return LimitExceeded(
            f"{self.subject} {cost}; the limit is {self.limit} ({PREFIX}{self.setting.upper()}). Each object "
            "costs 1, and the fields selected on a page or list count once for each of its items. Objects in "
            "the lists of an input cost 1 each. Request less at a time."
        )


def field_cost(node: FieldNode, selection_cost: CostTerms, *, is_page: bool) -> CostTerms:
    """The cost of a field with selections: 1 plus their cost, times the objects that it returns."""
    factor, variables = _page_size(node, is_page=is_page)
    for value in _list_arguments(node):
        if isinstance(value, VariableNode):
            variables.append(value.name.value)
        elif isinstance(value, ListValueNode):
            factor *= _size(value.values)
    own_product = tuple(sorted(variables))
    terms = {own_product: factor}
    for names, coefficient in selection_cost.items():
        product = tuple(sorted(names + own_product)) if own_product else names
        terms[product] = terms.get(product, 0) + coefficient * factor
    for argument in node.arguments or ():
        if argument.name.value == _INPUT:
            _add_input_cost(terms, argument.value)
    return terms


def _add_input_cost(terms: CostTerms, value: ValueNode) -> None:
    """Add the cost of the objects in the lists of an input."""
    if isinstance(value, VariableNode):
        _add(terms, (value.name.value + _ITEMS,), 1)
    for field in value.fields if isinstance(value, ObjectValueNode) else ():
        name, items = field.name.value, field.value
        if name == _PATCHES:
            for patch in items.values if isinstance(items, ListValueNode) else (items,):
                _add_input_cost(terms, patch)
        elif name in _OBJECT_LISTS and isinstance(items, VariableNode):
            _add(terms, (items.name.value,), 1)
        elif name in _OBJECT_LISTS and isinstance(items, ListValueNode):
            _add(terms, (), len(items.values))


def _add(terms: CostTerms, product: tuple[str, ...], coefficient: int) -> None:
    terms[product] = terms.get(product, 0) + coefficient


def _count_objects(value: Any) -> int:
    """The number of objects in the lists of an input, or of a list of patches."""
    if isinstance(value, list):
        return sum(map(_count_objects, value))
    if not isinstance(value, dict):
        return 0
    lists = [value.get(name) for name in _OBJECT_LISTS]
    own_objects = sum([len(each) for each in lists if isinstance(each, list)])
    return own_objects + (_count_objects(value[_PATCHES]) if _PATCHES in value else 0)


def _page_size(node: FieldNode, *, is_page: bool) -> tuple[int, list[str]]:
    """The size of a page as a number, and the variables to multiply it by."""
    values = [each.value for each in node.arguments or () if each.name.value in PAGE_ARGUMENTS]
    sizes = [_size(_parse_int(each.value)) for each in values if isinstance(each, IntValueNode)]
    variables = [each.name.value for each in values if isinstance(each, VariableNode)]
    if sizes or not is_page:
        return prod(sizes), variables
    return (1, [",".join(variables) + _PAGE]) if variables else (_DEFAULT_PAGE, [])


def _list_arguments(node: FieldNode) -> Iterator[ValueNode]:
    """The values of the arguments whose length is the number of objects that a field returns or writes."""
    for argument in node.arguments or ():
        name, value = argument.name.value, argument.value
        if name in _LIST_ARGUMENTS or (name == _INPUT and isinstance(value, VariableNode)):
            yield value
        elif name == _INPUT and isinstance(value, ObjectValueNode):
            yield from (each.value for each in value.fields if each.name.value == _PATCHES)


def _parse_int(digits: str) -> int | None:
    """The value of an Int literal; None if it is too large."""
    number = int(digits) if len(digits) <= len(str(_MAX_INT)) else None
    return None if number is None or number > _MAX_INT else number


def _size(value: Any) -> int:
    """The number of objects that an argument's value asks for; 1 if it is absent or not a size."""
    if isinstance(value, dict):  # the whole input of a mutation
        return _size(value.get(_PATCHES))
    if isinstance(value, list | tuple):
        return max(1, len(value))
    return max(1, value) if type(value) is int else 1
