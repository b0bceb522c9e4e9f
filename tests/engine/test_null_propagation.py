"""Errors and nulls: what becomes null, how far null propagates, and which errors are reported."""

import asyncio
import gc
import warnings
from enum import Enum
from typing import Any, Optional

import pytest
import strawberry
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.compare_with_graphql_core import compare, one_error_a_null


@strawberry.enum
class Does(Enum):
    """What a resolver does instead of returning its value."""

    VALUE = "value"
    NULL = "null"
    RAISE = "raise"
    RETURN = "return"
    EXTEND = "extend"
    ODD = "odd"


def do(does: Does, value: Any) -> Any:
    match does:
        case Does.VALUE:
            return value
        case Does.NULL:
            return None
        case Does.RAISE:
            raise ValueError("raised")
        case Does.RETURN:
            return LookupError("returned")
        case Does.EXTEND:
            raise GraphQLError("extended", extensions={"code": "EXTENDED"})
        case Does.ODD:
            return object()


async def do_late(does: Does, value: Any) -> Any:
    await asyncio.sleep(0)
    return do(does, value)


def get_leaf(does: Does) -> Any:
    return do(does, "leaf")


async def get_late_leaf(does: Does) -> Any:
    return do(does, "leaf")


async def get_later_leaf(does: Does) -> Any:
    return await do_late(does, "leaf")


def get_tree(does: Does) -> Any:
    return do(does, Tree())


async def get_late_tree(does: Does) -> Any:
    return await do_late(does, Tree())


def get_leaves(does: list[Does]) -> Any:
    return [do(each, "leaf") if each is not Does.RAISE else ValueError("raised") for each in does]


def get_late_leaves(does: list[Does]) -> Any:
    return [do_late(each, "leaf") for each in does]


async def get_trees(does: list[Does]) -> Any:
    await asyncio.sleep(0)
    return tuple(do_late(each, Tree()) if index % 2 else Tree() for index, each in enumerate(does))


@strawberry.type
class Tree:
    leaf = strawberry.field(resolver=get_leaf, graphql_type=str | None)
    firm_leaf = strawberry.field(resolver=get_leaf, graphql_type=str)
    late_leaf = strawberry.field(resolver=get_late_leaf, graphql_type=str | None)
    firm_late_leaf = strawberry.field(resolver=get_late_leaf, graphql_type=str)
    later_leaf = strawberry.field(resolver=get_later_leaf, graphql_type=str | None)
    firm_later_leaf = strawberry.field(resolver=get_later_leaf, graphql_type=str)
    tree = strawberry.field(resolver=get_tree, graphql_type=Optional["Tree"])
    firm_tree = strawberry.field(resolver=get_tree, graphql_type="Tree")
    late_tree = strawberry.field(resolver=get_late_tree, graphql_type=Optional["Tree"])
    firm_late_tree = strawberry.field(resolver=get_late_tree, graphql_type="Tree")
    trees = strawberry.field(resolver=get_trees, graphql_type=list["Tree"] | None)
    loose_trees = strawberry.field(resolver=get_trees, graphql_type=list[Optional["Tree"]] | None)
    loose_leaves = strawberry.field(resolver=get_leaves, graphql_type=list[str | None] | None)
    leaves_or_null = strawberry.field(resolver=get_leaves, graphql_type=list[str] | None)
    firm_list = strawberry.field(resolver=get_leaves, graphql_type=list[str | None])
    firm_leaves = strawberry.field(resolver=get_leaves, graphql_type=list[str])
    loose_late_leaves = strawberry.field(resolver=get_late_leaves, graphql_type=list[str | None] | None)
    late_leaves_or_null = strawberry.field(resolver=get_late_leaves, graphql_type=list[str] | None)
    late_firm_list = strawberry.field(resolver=get_late_leaves, graphql_type=list[str | None])
    late_firm_leaves = strawberry.field(resolver=get_late_leaves, graphql_type=list[str])


@strawberry.type
class Query(Tree):
    pass


SCHEMA = strawberry.Schema(query=Query)
BAD = ["NULL", "RAISE", "RETURN", "EXTEND", "ODD"]

ONE_FAILURE = {
    "a leaf": "{ leaf(does: %s) }",
    "a leaf that must not be null": "{ leaf(does: VALUE) firmLeaf(does: %s) }",
    "a late leaf": "{ lateLeaf(does: %s) leaf(does: VALUE) }",
    "a late leaf that must not be null": "{ firmLateLeaf(does: %s) }",
    "a later leaf": "{ laterLeaf(does: %s) leaf(does: VALUE) }",
    "a later leaf that must not be null": "{ laterLeaf(does: VALUE) firmLaterLeaf(does: %s) }",
    "an object": "{ tree(does: %s) { leaf(does: VALUE) } }",
    "an object that must not be null": "{ firmTree(does: %s) { leaf(does: VALUE) } }",
    "a late object": "{ lateTree(does: %s) { leaf(does: VALUE) } leaf(does: VALUE) }",
    "a late object that must not be null": "{ firmLateTree(does: %s) { leaf(does: VALUE) } }",
    "below an object": "{ tree(does: VALUE) { leaf(does: VALUE) firmLeaf(does: %s) } leaf(does: VALUE) }",
    "below a late object": "{ lateTree(does: VALUE) { firmLeaf(does: %s) } leaf(does: VALUE) }",
    "late below an object": "{ tree(does: VALUE) { leaf(does: VALUE) firmLaterLeaf(does: %s) } }",
    "late below a late object": "{ lateTree(does: VALUE) { leaf(does: VALUE) firmLaterLeaf(does: %s) } }",
    "after many that must not be null": """{ leaf(does: VALUE) tree(does: VALUE) { firmTree(does: VALUE) {
        firmLateTree(does: VALUE) { firmTree(does: VALUE) { firmLateTree(does: VALUE) {
        firmLeaf(does: %s) } } } } } }""",
    "late after many that must not be null": """{ leaf(does: VALUE) lateTree(does: VALUE) {
        firmLateTree(does: VALUE) { firmTree(does: VALUE) { firmLateTree(does: VALUE) {
        firmLaterLeaf(does: %s) } } } } }""",
    "all the way out": "{ firmTree(does: VALUE) { firmTree(does: VALUE) { firmLeaf(does: %s) } } }",
    "late, all the way out": """{ leaf(does: VALUE) firmLateTree(does: VALUE) {
        firmTree(does: VALUE) { firmLaterLeaf(does: %s) } } }""",
    "in two nodes of one field": "{ leaf(does: %s) leaf(does: %s) }",
    "in two nodes of one object": """{ tree(does: %s) { leaf(does: VALUE) }
        tree(does: %s) { firmLeaf(does: VALUE) } }""",
    "by an alias": "{ other: leaf(does: %s) tree(does: VALUE) { deep: firmLeaf(does: %s) } }",
    "of an item": "{ looseLeaves(does: [VALUE, %s, VALUE]) }",
    "of an item that must not be null": "{ leavesOrNull(does: [VALUE, %s, VALUE]) leaf(does: VALUE) }",
    "of an item of a list that must not be null": "{ firmList(does: [VALUE, %s, VALUE]) }",
    "of an item where neither may be null": "{ firmLeaves(does: [VALUE, %s]) leaf(does: VALUE) }",
    "of a late item": "{ looseLateLeaves(does: [VALUE, %s, VALUE]) }",
    "of a late item that must not be null": "{ lateLeavesOrNull(does: [VALUE, %s]) leaf(does: VALUE) }",
    "of a late item of a list that must not be null": "{ lateFirmList(does: [VALUE, %s, VALUE]) }",
    "of a late item where neither may be null": "{ lateFirmLeaves(does: [VALUE, %s, VALUE]) }",
    "of a late object in a list": "{ looseTrees(does: [VALUE, %s, VALUE]) { leaf(does: VALUE) } }",
    "of a late object that must not be null": "{ trees(does: [VALUE, %s]) { leaf(does: VALUE) } }",
    "of many items": "{ looseTrees(does: [VALUE, VALUE, VALUE]) { firmLeaf(does: %s) } }",
    "of many items, late": "{ looseTrees(does: [VALUE, VALUE, VALUE]) { firmLaterLeaf(does: %s) } }",
    "in a list in a list": """{ looseTrees(does: [VALUE, VALUE]) {
        looseTrees(does: [VALUE, %s]) { leaf(does: VALUE) } } }""",
    "two that may be null": "{ leaf(does: %s) lateLeaf(does: %s) laterLeaf(does: %s) }",
    "two, each below an object of its own": """{ a: tree(does: VALUE) { firmLeaf(does: %s) }
        b: lateTree(does: VALUE) { firmLaterLeaf(does: %s) } c: leaf(does: VALUE) }""",
}
"""Queries in which at most one error causes one null."""


@pytest.mark.parametrize("does", ["VALUE", "NULL", "RAISE", "RETURN"])
@pytest.mark.parametrize("query", ONE_FAILURE.values(), ids=ONE_FAILURE)
def test_an_error_has_a_path_and_propagates_null(query: str, does: str) -> None:
    compared = compare(SCHEMA, query.replace("%s", does))
    assert compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize("does", ["EXTEND", "ODD"])
def test_the_attributes_of_an_error_are_reported(does: str) -> None:
    query = """{ leaf(does: %s) lateTree(does: %s) { leaf(does: VALUE) } laterLeaf(does: %s)
        looseLateLeaves(does: [%s]) tree(does: VALUE) { firmLateLeaf(does: %s) } }"""
    compared = compare(SCHEMA, query.replace("%s", does))
    assert compared.planned
    assert compared.ours == compared.theirs


EMPTY = ["looseLeaves", "leavesOrNull", "firmList", "firmLeaves", "looseLateLeaves", "lateFirmLeaves"]


def test_lists_may_be_empty() -> None:
    compared = compare(SCHEMA, f"{{ {' '.join(f'{field}(does: [])' for field in EMPTY)} }}")
    assert compared.planned
    assert compared.ours == compared.theirs


RACES = {
    "two at the root": "{ firmLateLeaf(does: %s) firmLeaf(does: %s) }",
    "two late at the root": "{ firmLateLeaf(does: %s) firmLaterLeaf(does: %s) }",
    "two below one object": "{ tree(does: VALUE) { firmLeaf(does: %s) firmLateLeaf(does: %s) } }",
    "a soft one after a hard one": "{ firmLateLeaf(does: %s) laterLeaf(does: %s) }",
    "below a null": """{ firmLateTree(does: VALUE) { firmLeaf(does: %s) }
        lateTree(does: VALUE) { firmLeaf(does: %s) } }""",
    "far below a null": """{ tree(does: VALUE) { firmLateTree(does: VALUE) { firmLeaf(does: %s) }
        lateTree(does: VALUE) { lateTree(does: VALUE) { firmLaterLeaf(does: %s) } } } }""",
    "soft ones below a null": """{ tree(does: VALUE) { leaf(does: %s) laterLeaf(does: %s)
        firmLaterLeaf(does: %s) } leaf(does: VALUE) }""",
    "items of one list": "{ lateLeavesOrNull(does: [%s, VALUE, %s]) leaf(does: VALUE) }",
    "items of one list, below": "{ trees(does: [VALUE, VALUE]) { firmLaterLeaf(does: %s) } }",
}


@pytest.mark.parametrize("does", ["NULL", "RAISE"])
@pytest.mark.parametrize("query", RACES.values(), ids=RACES)
def test_of_racing_errors_at_least_one_is_reported_and_the_data_is_the_same(query: str, does: str) -> None:
    compared = compare(SCHEMA, query.replace("%s", does), describe_errors=one_error_a_null)
    assert compared.planned
    assert compared.ours == compared.theirs


_DOES = st.sampled_from(["VALUE", "VALUE", "VALUE", *BAD])
_LEAVES = ["leaf", "firmLeaf", "lateLeaf", "firmLateLeaf", "laterLeaf", "firmLaterLeaf"]
_LISTS = [*EMPTY, "lateLeavesOrNull", "lateFirmList"]
_SEVERAL = st.lists(_DOES, max_size=3).map(", ".join)


def _selection(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    trees = st.sampled_from(["tree", "firmTree", "lateTree", "firmLateTree"])
    lists = st.sampled_from(["trees", "looseTrees"])
    field = st.one_of(
        st.builds("{}(does: {})".format, st.sampled_from(_LEAVES), _DOES),
        st.builds("{}(does: [{}])".format, st.sampled_from(_LISTS), _SEVERAL),
        st.builds("{}(does: {}) {}".format, trees, _DOES, below),
        st.builds("{}(does: [{}]) {}".format, lists, _SEVERAL, below),
    )
    fields = st.lists(field, min_size=1, max_size=4)
    return fields.map(lambda each: f"{{ {' '.join(f'f{n}: {text}' for n, text in enumerate(each))} }}")


@pytest.mark.filterwarnings("ignore:coroutine 'do_late' was never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@given(query=st.recursive(st.just("{ leaf(does: VALUE) }"), _selection, max_leaves=8))
def test_any_mixture_of_errors_gives_the_same_data(query: str) -> None:
    compared = compare(SCHEMA, query, describe_errors=one_error_a_null)
    assert compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize(
    "query",
    [
        "{ trees(does: [VALUE, VALUE, VALUE, VALUE]) { firmLeaf(does: NULL) } }",
        "{ lateFirmLeaves(does: [RAISE, VALUE, VALUE]) }",
        "{ firmLateTree(does: VALUE) { leaf(does: VALUE) } firmLeaf(does: RAISE) }",
    ],
)
def test_no_coroutine_is_dropped_before_it_started(query: str) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        gc.collect()
        found.clear()  # the garbage of other tests
        compare(SCHEMA, query)
        gc.collect()
    assert [str(each.message) for each in found] == []
