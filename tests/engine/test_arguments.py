"""Arguments and variables: literals, defaults, nulls, absent values, and invalid values."""

import datetime
from enum import Enum
from typing import Annotated, Any, NewType

import pytest
import strawberry
from graphql import StringValueNode, Undefined
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from tests.support.compare_with_graphql_core import compare


def parse_even(value: Any) -> Any:
    if value is None:
        return "nothing"
    if type(value) is not int or value % 2:
        raise ValueError(f"{value!r} is not even")
    return value // 2


def parse_shout(node: Any, _variables: Any = None) -> str:
    assert isinstance(node, StringValueNode), "only strings are shouted"
    return node.value.upper()


Even = NewType("Even", int)
Shout = NewType("Shout", str)
SCALARS: dict[object, ScalarDefinition] = {
    Even: strawberry.scalar(name="Even", serialize=lambda value: value * 2, parse_value=parse_even),
    Shout: strawberry.scalar(
        name="Shout", serialize=str, parse_value=lambda value: value.upper(), parse_literal=parse_shout
    ),
}


@strawberry.enum
class Colour(Enum):
    RED = "r"
    GREEN = 2
    NONE = None


@strawberry.input
class Point:
    x: int
    y: int | None
    label: str = "origin"
    tags: list[str] = strawberry.field(default_factory=list)


@strawberry.input
class Shape:
    corners: list[Point] | None = strawberry.UNSET
    centre: Point | None = strawberry.UNSET
    colour: Colour = Colour.RED
    even: Even | None = strawberry.UNSET
    names_of: list[str | None] | None = strawberry.field(default=strawberry.UNSET, name="called")
    inner: "Shape | None" = strawberry.UNSET


@strawberry.input(one_of=True)
class By:
    name: str | None = strawberry.UNSET
    number: int | None = strawberry.UNSET
    point: Point | None = strawberry.UNSET


def echo(type_: Any, *default: Any) -> Any:
    """A field that returns its argument `value`."""

    def show(value: Any) -> str:
        return repr(value)

    show.__annotations__ = {"value": type_, "return": str}
    show.__defaults__ = default
    return strawberry.field(resolver=show)


@strawberry.type
class Query:
    text = echo(str | None, strawberry.UNSET)
    firm_text = echo(str)
    text_with_default = echo(str | None, "default")
    firm_text_with_default = echo(str, "default")
    without_default = echo(str | None)
    json = echo(JSON)
    loose_json = echo(JSON | None, strawberry.UNSET)
    even = echo(Even | None, strawberry.UNSET)
    firm_even = echo(Even)
    colour = echo(Colour | None, strawberry.UNSET)
    colours = echo(list[Colour] | None, strawberry.UNSET)
    loose_list = echo(list[str | None] | None, strawberry.UNSET)
    list_of_firm = echo(list[str] | None, strawberry.UNSET)
    firm_list_of_firm = echo(list[str])
    nested_lists = echo(list[list[int | None]])
    list_with_default = echo(list[int], [1, 2])
    point = echo(Point)
    point_with_default = echo(Point, Point(x=1, y=2))
    points = echo(list[Point | None] | None, strawberry.UNSET)
    shape = echo(Shape | None, strawberry.UNSET)
    find = echo(By)

    @strawberry.field
    def numbers(self, one: int | None = strawberry.UNSET, two: float | None = strawberry.UNSET) -> str:
        return repr((one, two))

    @strawberry.field
    def others(
        self, id: strawberry.ID | None = None, yes: bool | None = None, day: datetime.date | None = None
    ) -> str:
        return repr((id, yes, day))

    @strawberry.field
    def renamed(self, of_all: Annotated[list[str], strawberry.argument(name="from")]) -> str:
        return repr(of_all)

    @strawberry.field
    def grow(self, values: list[int], also: JSON) -> str:
        changed: Any = also
        changed["grown"] = len(changed)
        values.append(1)
        return repr((values, also))


SCHEMA = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))

LITERALS = {
    "all kinds": """{ text(value: "a") numbers(one: -1, two: 2.5) firmText(value: "é\\n")
        others(id: 7, yes: false, day: "2020-02-29") }""",
    "an int as a float and as an id": "{ numbers(two: 3) others(id: 12345678901234567890) }",
    "null": "{ text(value: null) numbers(one: null, two: null) others(id: null, day: null) }",
    "left out": "{ text numbers others looseJson even colour colours looseList listOfFirm points shape }",
    "defaults": """{ textWithDefault a: textWithDefault(value: null) }""",
    "lists and objects by default": "{ listWithDefault pointWithDefault }",
    "renamed": '{ renamed(from: ["a"]) }',
    "an enum": "{ colour(value: GREEN) colours(value: [RED, GREEN]) one: colours(value: RED) }",
    "an enum of which the value is null": "{ colour(value: NONE) none: colour(value: null) }",
    "json": '{ json(value: {a: [1, 2.5, "x", true, null, {b: RED}]}) looseJson(value: null) }',
    "a custom scalar": "{ even(value: 4) none: even(value: null) firmEven(value: 8) }",
    "lists": """{ looseList(value: ["a", null]) one: looseList(value: "a") none: looseList(value: null)
        listOfFirm(value: ["a"]) firmListOfFirm(value: "a") }""",
    "lists of lists": "{ nestedLists(value: [[1, null], []]) a: nestedLists(value: [1, 2]) }",
    "an object": '{ point(value: {x: 1, y: 2, label: "here", tags: ["a", "b"]}) }',
    "an object with its fields in another order": "{ point(value: {tags: [], y: null, x: 1}) }",
    "an object with defaults left out": "{ point(value: {x: 1, y: 2}) }",
    "an object with a field left out": '{ point(value: {x: 1, label: "a", tags: []}) }',
    "an object in an object": """{ shape(value: {colour: GREEN, even: 2, called: ["a", null],
        centre: {x: 1, y: 2, label: "c", tags: "one"}, inner: {colour: RED, inner: null}}) }""",
    "objects in a list": "{ points(value: [{x: 1, y: 1}, null]) one: points(value: {x: 1, y: 0}) }",
    "objects in a list in an object": "{ shape(value: {corners: [{x: 1, y: 2}]}) }",
    "one of": '{ find(value: {name: "a"}) b: find(value: {number: 1}) }',
    "one of, an object": "{ find(value: {point: {x: 1, y: 2}}) }",
    "one of, none": "{ find(value: {}) }",
    "one of, two": '{ find(value: {name: "a", number: 1}) }',
    "one of, null": "{ find(value: {name: null}) }",
}


@pytest.mark.parametrize("query", LITERALS.values(), ids=LITERALS)
def test_literals_are_coerced_as_by_graphql_core(query: str) -> None:
    compared = compare(SCHEMA, query)
    assert compared.planned
    assert compared.ours == compared.theirs


POINT = {"x": 1, "y": 2, "label": "here", "tags": ["a"]}

USED: dict[str, tuple[str, dict[str, Any]]] = {
    "a text": ("query ($v: String) { text(value: $v) }", {"v": "a"}),
    "null": ("query ($v: String) { text(value: $v) }", {"v": None}),
    "left out": ("query ($v: String) { text(value: $v) }", {}),
    "undefined": ("query ($v: String) { text(value: $v) }", {"v": Undefined}),
    "unused": ("query ($v: String) { text(value: $v) one: text }", {"v": "a"}),
    "required": ("query ($v: String!) { firmText(value: $v) text(value: $v) }", {"v": ""}),
    "a default, given": ('query ($v: String = "d") { text(value: $v) }', {"v": "a"}),
    "a default, left out": ('query ($v: String = "d") { text(value: $v) }', {}),
    "a default, null": ('query ($v: String = "d") { text(value: $v) }', {"v": None}),
    "a default of null": ("query ($v: String = null) { text(value: $v) }", {}),
    "a default where null may not be": ('query ($v: String = "d") { firmText(value: $v) }', {}),
    "null where it may not be": ('query ($v: String = "d") { text firmText(value: $v) }', {"v": None}),
    "for a default, left out": ("query ($v: String) { textWithDefault(value: $v) }", {}),
    "for a default of a list": ("query ($v: [Int!]) { listWithDefault(value: $v) }", {}),
    "null for a firm default": ("query ($v: String) { firmTextWithDefault(value: $v) }", {"v": None}),
    "without a default": ("query ($v: String) { withoutDefault(value: $v) }", {}),
    "plain ones": (
        """query ($i: Int, $f: Float, $id: ID, $b: Boolean, $d: Date) {
            numbers(one: $i, two: $f) others(id: $id, yes: $b, day: $d) }""",
        {"i": 2**31 - 1, "f": 1, "id": "x", "b": False, "d": "2020-02-29"},
    ),
    "an id that is a number": ("query ($id: ID) { others(id: $id) }", {"id": 7}),
    "an enum": ("query ($v: Colour, $w: [Colour!]) { colour(value: $v) colours(value: $w) }", {"v": "RED"}),
    "enums": ("query ($w: [Colour!]) { colours(value: $w) }", {"w": ["GREEN", "RED"]}),
    "a list": ("query ($v: [String]) { looseList(value: $v) }", {"v": ["a", None]}),
    "a tuple": ("query ($v: [String]) { looseList(value: $v) }", {"v": ("a", None)}),
    "one for a list": ("query ($v: [String]) { looseList(value: $v) }", {"v": "a"}),
    "a firm list of firm ones": ("query ($v: [String!]!) { firmListOfFirm(value: $v) }", {"v": []}),
    "one for a list of lists": ("query ($v: [[Int]!]!) { nestedLists(value: $v) }", {"v": 1}),
    "a list of lists": ("query ($v: [[Int]!]!) { nestedLists(value: $v) }", {"v": [[1, None], [2]]}),
    "in a list": ("query ($v: String) { looseList(value: [$v, null]) }", {"v": "a"}),
    "left out in a list": ('query ($v: String) { looseList(value: ["a", $v]) }', {}),
    "in a list of firm ones": ("query ($v: String!) { firmListOfFirm(value: [$v]) }", {"v": "a"}),
    "an object": ("query ($v: Point!) { point(value: $v) }", {"v": POINT}),
    "an object with fields left out": ("query ($v: Point!) { point(value: $v) }", {"v": {"x": 1}}),
    "objects in an object": ("query ($v: Shape) { shape(value: $v) }", {"v": {"corners": [POINT]}}),
    "a field": ("query ($x: Int!) { point(value: {x: $x, y: null, tags: []}) }", {"x": 1}),
    "a field left out": ("query ($y: Int) { point(value: {x: 1, y: $y, tags: []}) }", {}),
    "a field of null": ("query ($y: Int) { point(value: {x: 1, y: $y, tags: []}) }", {"y": None}),
    "a defaulted field": ("query ($l: String) { point(value: {x: 1, y: 1, label: $l, tags: []}) }", {}),
    "a null for a defaulted field": (
        "query ($l: String) { point(value: {x: 1, y: 1, label: $l, tags: []}) }",
        {"l": None},
    ),
    "deep in an object": (
        "query ($e: Even) { shape(value: {colour: RED, inner: {colour: GREEN, even: $e}}) }",
        {"e": 2},
    ),
    "json": ("query ($v: JSON!) { json(value: $v) }", {"v": {"a": [1, None, "x"]}}),
    "json in json": ("query ($v: JSON) { json(value: {a: $v, b: [$v]}) }", {"v": {"c": 1}}),
    "json in json, left out": ("query ($v: JSON) { json(value: {a: $v, b: [$v]}) }", {}),
    "a custom scalar": ("query ($v: Even) { even(value: $v) }", {"v": 4}),
    "a custom scalar by default": ("query ($v: Even = 6) { even(value: $v) }", {}),
    "one of": ("query ($v: By!) { find(value: $v) }", {"v": {"name": "a"}}),
    "one of, by its field": ("query ($v: String) { find(value: {name: $v}) }", {"v": "a"}),
    "one of, by its field, null": ("query ($v: String) { find(value: {name: $v}) }", {"v": None}),
    "one of, by its field, left out": ("query ($v: String) { find(value: {name: $v}) }", {}),
    "one of, by two, one left out": (
        "query ($v: String, $n: Int) { find(value: {name: $v, number: $n}) }",
        {"n": 1},
    ),
    "one of, by an object": ("query ($v: Point) { find(value: {point: $v}) }", {"v": POINT}),
}


@pytest.mark.parametrize(("query", "variables"), USED.values(), ids=USED)
def test_variables_are_coerced_as_by_graphql_core(query: str, variables: dict[str, Any]) -> None:
    compared = compare(SCHEMA, query, variables)
    assert compared.planned
    assert compared.ours == compared.theirs


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "left out": ("query ($v: String!) { firmText(value: $v) }", {}),
    "null": ("query ($v: String!) { firmText(value: $v) }", {"v": None}),
    "undefined json": ("query ($v: JSON!) { json(value: $v) }", {"v": Undefined}),
    "no even null": ("query ($v: Even!) { firmEven(value: $v) }", {"v": None}),
    "a number for a text": ("query ($v: String) { text(value: $v) }", {"v": 1}),
    "a text for a number": ("query ($v: Int) { numbers(one: $v) }", {"v": "1"}),
    "a number too big": ("query ($v: Int) { numbers(one: $v) }", {"v": 2**31}),
    "an odd number": ("query ($v: Even) { even(value: $v) }", {"v": 3}),
    "an unknown value": ("query ($v: Colour) { colour(value: $v) }", {"v": "BLUE"}),
    "a wrong item": ("query ($v: [String!]) { listOfFirm(value: $v) }", {"v": ["a", 1]}),
    "a null item": ("query ($v: [String!]) { listOfFirm(value: $v) }", {"v": ["a", None]}),
    "a null field": ("query ($v: Point!) { point(value: $v) }", {"v": {"x": None}}),
    "deep in an object": ("query ($v: Shape) { shape(value: $v) }", {"v": {"corners": [POINT, {"x": "1"}]}}),
    "several": (
        "query ($a: String!, $b: Int, $c: Point) { text(value: $a) numbers(one: $b) points(value: [$c]) }",
        {"b": "x", "c": {"x": "y", "y": "z", "w": 1}},
    ),
    "one of none": ("query ($v: By!) { find(value: $v) }", {"v": {}}),
    "one of two": ("query ($v: By!) { find(value: $v) }", {"v": {"name": "a", "number": 1}}),
    "one of, null": ("query ($v: By!) { find(value: $v) }", {"v": {"name": None}}),
}


@pytest.mark.parametrize(("query", "variables"), REFUSED.values(), ids=REFUSED)
def test_variables_are_rejected_as_by_graphql_core(query: str, variables: dict[str, Any]) -> None:
    compared = compare(SCHEMA, query, variables)
    assert not compared.planned
    assert compared.ours == compared.theirs


MUTABLE = [
    ("{ grow(values: [5, 6], also: {a: 1}) }", {}),
    ("query ($v: [Int!]!) { a: grow(values: $v, also: {}) b: grow(values: $v, also: {}) }", {"v": [5]}),
]


@pytest.mark.parametrize(("query", "variables"), MUTABLE, ids=["literals", "variables"])
def test_a_resolver_that_changes_its_arguments_does_not_affect_others(query: str, variables: Any) -> None:
    compared = compare(SCHEMA, query, variables, rounds=2)
    assert compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize("name", ["a text", "required", "plain ones", "a list", "one of, by its field"])
def test_ordinary_arguments_are_not_coerced_by_graphql_core(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = compare(SCHEMA, *USED[name]).ours
    for needless in ("get_argument_values", "convert_arguments"):
        monkeypatch.delattr(f"gql_service.engine.execution.arguments.{needless}")
    assert compare(SCHEMA, *USED[name]).ours == expected
