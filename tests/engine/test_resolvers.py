"""Resolvers: Strawberry's features, their `info` and parents, and batched resolvers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import strawberry
from graphql import FieldNode, NameNode
from strawberry import Info, relay
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from gql_service.engine.execution.resolvers import field_resolver
from gql_service.schema.build import build_schema
from tests.support.compare_with_graphql_core import compare


class Allowed(BasePermission):
    message = "not allowed"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return bool(kwargs.get("yes", False))


class Upper(FieldExtension):
    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        return next_(source, info, **kwargs).upper()

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any
    ) -> Any:
        return (await next_(source, info, **kwargs)).upper()


class Doubled(StrawberryField):
    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        found: Any = super().get_result(source, info, args, kwargs)
        return found * 2


@strawberry.input
class Change:
    name: strawberry.Maybe[str]
    nick: strawberry.Maybe[str | None]


@strawberry.type
class Cell:
    row: int
    column: int
    hidden: strawberry.Private[int] = 7

    @strawberry.field
    def sum_of(self) -> int:
        return self.row + self.column + self.hidden

    @strawberry.field
    def by_parent(self, me: strawberry.Parent["Cell"]) -> int:
        return me.row

    @strawberry.field
    @staticmethod
    def still() -> str:
        return "static"

    @strawberry.field
    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    by_root: int = strawberry.field(resolver=lambda root: root.column, name="called")
    without_self: str = strawberry.field(resolver=lambda: "nothing needed")


async def get_ticks() -> Any:
    for number in range(3):
        yield number


def get_text(yes: bool = True) -> str:
    return "text"


async def get_late_text(yes: bool = True) -> str | None:
    return "text"


@strawberry.type
class Query:
    doubled: Any = Doubled(python_name="doubled", type_annotation=StrawberryAnnotation(str))(lambda: "d")
    permitted = strawberry.field(resolver=get_text, permission_classes=[Allowed])
    late_permitted = strawberry.field(resolver=get_late_text, permission_classes=[Allowed])
    extended = strawberry.field(resolver=get_text, extensions=[Upper()])
    late_extended = strawberry.field(resolver=get_late_text, extensions=[Upper()])
    ticks = strawberry.field(resolver=get_ticks, graphql_type=list[int])
    partial: str = strawberry.field(resolver=lambda: "lambda")

    @strawberry.field
    def cell(self) -> Cell:
        return Cell(row=1, column=2)

    @strawberry.field
    def cells(self) -> list[Cell]:
        return [Cell(row=1, column=2), Cell(row=3, column=4)]

    @strawberry.field
    def decode(self, id: relay.GlobalID, ids: list[relay.GlobalID] | None = None) -> str:
        return f"{id!r} {ids!r}"

    @strawberry.field
    def encode(self) -> relay.GlobalID:
        return relay.GlobalID("Cell", "1")

    @strawberry.field
    def change(self, to: Change) -> str:
        return f"{to.name!r} {to.nick!r}"

    @strawberry.field
    def rename(self, to: strawberry.Maybe[str | None]) -> str:
        return repr(to)


SCHEMA = strawberry.Schema(query=Query)
ID = {"id": "Q2VsbDox", "n": None}
PLANNED = [
    "{ partial ticks cell { withoutSelf still sumOf } }",
    "{ cell { row column } cells { row sumOf } }",
    "{ cell { ofClass } cells { row ofClass } }",
    '{ decode(id: "Q2VsbDox") encode two: decode(id: "Q2VsbDox", ids: ["Q2VsbDox"]) }',
    "query ($id: ID!) { decode(id: $id, ids: [$id]) }",
    '{ encode decode(id: "none") }',
    '{ change(to: {name: "n", nick: null}) a: change(to: {}) b: change(to: {nick: "x"}) }',
    "query ($n: String, $o: String) { change(to: {nick: $n, name: $o}) }",
    '{ rename a: rename(to: null) b: rename(to: "x") }',
    "query ($n: String) { rename(to: $n) }",
]
UNPLANNABLE = [
    "{ permitted(yes: true) latePermitted(yes: true) }",
    "{ cell { row } permitted(yes: false) }",
    "{ latePermitted(yes: false) cell { row } }",
    "{ extended }",
    "{ lateExtended }",
    "{ doubled partial }",
    "{ cell { byParent } }",
    "{ cell { called } }",
]


@pytest.mark.parametrize("query", [*PLANNED, *UNPLANNABLE])
def test_features_of_strawberry_work_as_with_graphql_core(query: str) -> None:
    compared = compare(SCHEMA, query, ID)
    assert compared.planned == (query in PLANNED)
    assert compared.ours == compared.theirs


def test_a_resolver_that_was_replaced_is_called() -> None:
    schema = strawberry.Schema(query=Query)
    field = schema._schema.query_type.fields["partial"]  # type: ignore[union-attr]
    field.resolve = lambda _source, _info: "replaced"
    compared = compare(schema, "{ partial }")
    assert not compared.planned
    assert compared.ours == compared.theirs


ABOUT: dict[str, Callable[[Any], Any]] = {
    "context": lambda info: info.context["log"],
    "schema": lambda info: type(info.schema).__name__,
    "field": lambda info: info.field_name,
    "path": lambda info: info.path.as_list(),
    "root": lambda info: info.root_value,
    "operation": lambda info: info.operation.name.value,
    "query": lambda info: info.query,
    "variables": lambda info: info.variable_values,
    "selected": lambda info: info.selected_fields[0].name,
    "parent": lambda info: info._raw_info.parent_type.name,
    "class": lambda info: type(info).__name__,
}


class OwnInfo(Info[Any, Any]):
    pass


@strawberry.type
class ReadsInfo:
    @strawberry.field
    async def about(self, info: Info, what: str) -> str:
        await asyncio.sleep(0)
        return repr(ABOUT[what](info))

    first: str = "f"
    alias: str = "a"


@pytest.mark.parametrize("what", ABOUT)
def test_info_has_the_right_attributes_or_raises_an_error(what: str) -> None:
    query = "query Named($what: String!) { about(what: $what) }"
    compared = compare(strawberry.Schema(query=ReadsInfo), query, {"what": what}, root=ReadsInfo())
    assert compared.planned
    if what in ("context", "schema", "class"):
        assert compared.ours == compared.theirs
    else:
        assert "Plans provide `info.context` and `info.schema`, but not" in compared.ours.errors[0]
    config = StrawberryConfig(info_class=OwnInfo)
    compared = compare(
        strawberry.Schema(query=ReadsInfo, config=config), query, {"what": what}, root=ReadsInfo()
    )
    assert not compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize("root", [{"first": 1}, {"first": "f", "alias": "a"}, None])
def test_a_custom_default_resolver_reads_the_fields(root: Any) -> None:
    config = StrawberryConfig(default_resolver=lambda source, name: source[name])
    compared = compare(strawberry.Schema(query=ReadsInfo, config=config), "{ first alias }", root=root)
    assert compared.planned
    assert compared.ours == compared.theirs


def test_leaves_of_this_service_are_read_from_rows_without_a_call() -> None:
    schema = build_schema()._schema
    types: dict[str, Any] = schema.type_map
    for type_, name, attribute in (
        ("User", "displayName", "row.display_name"),
        ("PlatformMetadata", "revision", "row.revision"),
        ("UserEdge", "cursor", "source.cursor"),
    ):
        node = FieldNode(name=NameNode(value=name))
        found = field_resolver(schema, types[type_], [node], types[type_].fields[name])
        assert found[2] == attribute


@strawberry.type
class Refused:
    why: str


class Handler(strawberry.ExceptionHandler[LookupError, Refused]):
    def handle(self, exception: LookupError, *, field: Any, info: Any) -> Refused | None:
        return Refused(why=str(exception)) if "handle" in str(exception) else None


@strawberry.type
class Risky:
    @strawberry.field
    def risky(self, why: str) -> Cell | Refused | None:
        raise LookupError(why)


@pytest.mark.parametrize("why", ["handle it", "no"])
def test_exception_handlers_of_strawberry_are_called(why: str) -> None:
    schema = strawberry.Schema(query=Risky, exception_handlers=[Handler()])
    compared = compare(schema, f'{{ risky(why: "{why}") {{ ... on Refused {{ why }} }} }}')
    assert not compared.planned
    assert compared.ours == compared.theirs


@strawberry.input
class Pair:
    zulu: str
    alpha: str


@strawberry.type
class Sorted:
    @strawberry.field
    def order(self, zulu: str, pair: Pair, alpha: str) -> str:
        return f"{zulu} {pair!r} {alpha}"


def test_arguments_of_a_sorted_schema_keep_their_names() -> None:
    schema = strawberry.Schema(query=Sorted, config=StrawberryConfig(sort_schema=True))
    query = 'query ($a: String!) { order(zulu: "z", alpha: $a, pair: {zulu: "pz", alpha: $a}) }'
    compared = compare(schema, query, {"a": "a"})
    assert compared.planned
    assert compared.ours == compared.theirs
