"""Interfaces, unions and objects that check their values: the type of a value, and values of no type."""

import asyncio
from typing import Any, Generic, TypeVar

import pytest
import strawberry
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from tests.support.compare_with_graphql_core import compare

T = TypeVar("T")


class Never(BasePermission):
    message = "never"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return False


@strawberry.interface
class Pet:
    name: str


@strawberry.type
class Cat(Pet):
    lives: int = 9


@strawberry.type
class Dog(Pet):
    barks: bool = True
    secret: str = strawberry.field(default="s", permission_classes=[Never])

    @strawberry.field
    def loud(self, me: strawberry.Parent["Dog"]) -> str:
        return me.name.upper()


@strawberry.type
class Stone:
    weight: int = 1


@strawberry.type
class Plant:
    height: int = 2

    @classmethod
    def is_type_of(cls, value: Any, info: Any) -> bool:
        if value == {"poison": True}:
            raise ValueError("poisonous")
        return isinstance(value, dict) or getattr(value, "height", 0) > 1


@strawberry.type
class Mushroom:
    spores: int = 3

    @classmethod
    async def is_type_of(cls, value: Any, info: Any) -> bool:
        await asyncio.sleep(0)
        if value == {"poison": True}:
            raise ValueError("poisonous")
        return getattr(value, "spores", 0) > 1


@strawberry.type
class Box(Generic[T]):
    content: T


@strawberry.interface
class Shape:
    sides: int

    @classmethod
    def resolve_type(cls, value: Any, info: Any, type_: Any) -> str | None:
        names = {0: "Circle", 3: "Triangle", 4: "Nothing", 5: "Cat", 6: "String"}
        return names.get(value.sides)


@strawberry.type
class Circle(Shape):
    pass


@strawberry.type
class Triangle(Shape):
    pass


class Kitten(Cat):
    pass


class Plain:
    """A class that is not in the schema."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def with_lives(pet: Any) -> Any:
    pet.lives = 3
    return pet


async def late(value: Any) -> Any:
    return value


VALUES: dict[str, Any] = {
    "nothing": lambda: None,
    "a cat": lambda: Cat(name="Kit"),
    "a dog": lambda: Dog(name="Rex"),
    "a subclass": lambda: Kitten(name="Kid"),
    "a stone": lambda: Stone(),
    "an interface": lambda: Pet(name="anyone"),
    "a text": lambda: "text",
    "a dict": lambda: {"height": 3},
    "a plain object": lambda: Plain(name="plain", lives=1, weight=1, height=3, content=1),
    "a cast object": lambda: strawberry.cast(Cat, Plain(name="cast", lives=2)),
    "a dog that is cast": lambda: strawberry.cast(Cat, with_lives(Dog(name="cast"))),
    "a box of a number": lambda: Box(content=1),
    "a box of a text": lambda: Box(content="x"),
    "an error": lambda: LookupError("returned"),
    "a coroutine": lambda: late(Cat(name="late")),
}


SHAPES = ["a circle", "a circle that says it is a triangle", "a shape of no type", "a shape of a leaf"]
PLANTS = ["a dict", "a poison", "a tall plant", "a low plant", "nothing"]
MUSHROOMS = ["a mushroom", "a mushroom that is none", "a poison"]
OTHERS: dict[str, Any] = VALUES | {
    "a poison": lambda: {"poison": True},
    "a tall plant": lambda: Plant(height=3),
    "a low plant": lambda: Plant(height=1),
    "a mushroom": lambda: Mushroom(),
    "a mushroom that is none": lambda: Mushroom(spores=1),
    "a circle": lambda: Circle(sides=0),
    "a circle that says it is a triangle": lambda: Circle(sides=3),
    "a shape of no type": lambda: Circle(sides=1),
    "a shape of a leaf": lambda: Circle(sides=6),
}


def get(value: str) -> Any:
    return OTHERS[value]()


async def get_late(value: str) -> Any:
    return OTHERS[value]()


def get_both(value: str) -> Any:
    return [OTHERS[value](), OTHERS[value]()]


Thing = Cat | Dog | Stone
Grown = Cat | Plant
Boxed = Box[int] | Box[str] | Cat


@strawberry.type
class Query:
    pet = strawberry.field(resolver=get, graphql_type=Pet | None)
    late_pet = strawberry.field(resolver=get_late, graphql_type=Pet | None)
    thing = strawberry.field(resolver=get, graphql_type=Thing | None)
    firm_thing = strawberry.field(resolver=get_late, graphql_type=Thing)
    pets = strawberry.field(resolver=get_both, graphql_type=list[Pet | None])
    things = strawberry.field(resolver=get_both, graphql_type=list[Thing] | None)
    grown = strawberry.field(resolver=get, graphql_type=Grown | None)
    boxed = strawberry.field(resolver=get, graphql_type=Boxed | None)
    box = strawberry.field(resolver=get, graphql_type=Box[int] | None)
    shape = strawberry.field(resolver=get, graphql_type=Shape | None)
    cat = strawberry.field(resolver=get, graphql_type=Cat | None)
    dog = strawberry.field(resolver=get, graphql_type=Dog | None)
    cats = strawberry.field(resolver=get_both, graphql_type=list[Cat] | None)
    stone = strawberry.field(resolver=get, graphql_type=Stone | None)
    plant = strawberry.field(resolver=get, graphql_type=Plant | None)
    mushroom = strawberry.field(resolver=get, graphql_type=Mushroom | None)


class Shouting(NameConverter):
    def from_object(self, object_type: Any) -> str:
        name = super().from_object(object_type)
        return name if name == "Query" else f"The{name}"


TYPES = [Cat, Dog, Circle, Triangle]
SCHEMA = strawberry.Schema(query=Query, types=TYPES)
RENAMED = strawberry.Schema(query=Query, types=TYPES, config=StrawberryConfig(name_converter=Shouting()))

PLANNED = {
    "an interface": "pet(value: %s) { __typename name ... on Cat { lives } ... on Dog { barks } }",
    "interfaces": "pets(value: %s) { name __typename }",
    "a union": "thing(value: %s) { __typename ... on Pet { name } ... on Stone { weight } }",
    "unions": "things(value: %s) { ... on Dog { name barks } ... on Cat { name lives } }",
    "a union of generic types": """boxed(value: %s) { __typename ... on IntBox { number: content }
        ... on StrBox { text: content } }""",
    "a generic type": "box(value: %s) { __typename content }",
    "an object of an interface": "cat(value: %s) { name lives __typename }",
    "objects of an interface": "cats(value: %s) { name lives }",
    "an object": "stone(value: %s) { weight }",
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("selection", PLANNED.values(), ids=PLANNED)
def test_a_value_resolves_to_the_same_type(selection: str, value: str) -> None:
    compared = compare(SCHEMA, "{ " + selection.replace("%s", f'"{value}"') + " }")
    assert compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize("value", ["a cat", "a dog", "a subclass", "nothing", "a text", "an error"])
def test_an_awaited_value_resolves_to_the_same_type(value: str) -> None:
    query = """query ($v: String!) { latePet(value: $v) { name ... on Cat { lives } __typename }
        firmThing(value: $v) { ... on Cat { lives } } }"""
    compared = compare(SCHEMA, query, {"v": value})
    assert compared.planned
    assert compared.ours == compared.theirs


UNPLANNABLE = {
    "an interface that resolves its types": ("shape(value: %s) { __typename sides }", SHAPES),
    "an object that checks": ("plant(value: %s) { __typename height }", PLANTS),
    "an object that checks, late": ("mushroom(value: %s) { __typename spores }", MUSHROOMS),
    "a union of an object that checks": ("grown(value: %s) { __typename }", [*PLANTS, "a cat"]),
    "a field with a permission": ("dog(value: %s) { name secret }", ["a dog", "nothing"]),
    "in one of the types": ("pet(value: %s) { name ... on Dog { secret } }", ["a cat", "a dog", "nothing"]),
    "in one of several types": ("things(value: %s) { ... on Dog { secret } }", ["a cat", "a dog"]),
    "a parent": ("pet(value: %s) { ... on Dog { loud } }", ["a cat", "a dog"]),
}


@pytest.mark.parametrize(("selection", "values"), UNPLANNABLE.values(), ids=UNPLANNABLE)
def test_types_with_their_own_type_checks_are_left_to_graphql_core(selection: str, values: list[str]) -> None:
    for value in values:
        compared = compare(SCHEMA, "{ " + selection.replace("%s", f'"{value}"') + " }")
        assert not compared.planned
        assert compared.ours == compared.theirs


@pytest.mark.parametrize("value", ["a cat", "a stone", "a text", "a dog that is cast"])
@pytest.mark.parametrize("selection", ["thing(value: %s) { __typename ... on TheStone { weight } }",
                                   "pet(value: %s) { __typename name }"])  # fmt: skip
def test_types_that_are_renamed_are_found(selection: str, value: str) -> None:
    compared = compare(RENAMED, "{ " + selection.replace("%s", f'"{value}"') + " }")
    assert compared.planned
    assert compared.ours == compared.theirs


@strawberry.interface
class Step:
    @strawberry.field
    def next(self, to: int) -> "Step":
        return STEPS[to]()


@strawberry.type
class Start(Step):
    pass


@strawberry.type
class Left(Step):
    left: int = 1


@strawberry.type
class Right(Step):
    right: int = 2


@strawberry.type
class Ahead(Step):
    ahead: int = 3


STEPS: list[type[Step]] = [Left, Right, Ahead]


def test_nested_interfaces_are_not_planned_once_per_path() -> None:
    """Every type can contain every other, so the number of paths is 3 to the power of the depth."""
    query = "__typename ... on Left { left } ... on Right { right }"
    for level in range(12):
        query = f"next(to: {level % 3}) {{ {query} }} __typename"
    query = f"query {{ {query} }}"
    compared = compare(strawberry.Schema(query=Start, types=STEPS), query)
    assert compared.planned
    assert compared.ours == compared.theirs
