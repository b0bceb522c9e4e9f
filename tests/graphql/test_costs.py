"""The cost of operations with their variables, and the rejection of expensive ones."""

from typing import Any

import pytest

from tests.graphql.test_limits import JSON, RESPONSE, aliases, refusal, send
from tests.support.service import serving
from tests.support.world import World

IDS = "[" + '"x" ' * 100 + "]"
EIGHT = "userMetadata { user { " * 4 + "id" + " } }" * 4
NINE = f"... on User {{ badges {{ name }} {EIGHT} }}"
EDGES = "edges { node { tokens(first: 22) { nodes { id } } badges { name } badgeProgress { earned } } }"


def page(variables: str = "", arguments: str = "", selections: str = EDGES) -> str:
    """An operation of cost 1000 with a page of 20 users, and a place for more."""
    ids = '"x" ' * 18
    return f"""query {variables} {{ nodes(ids: [{ids}]) {{ id }} me {{ id }}
        platform(key: "none") {{ users{arguments} {{ {selections} }} }} * }}"""


COSTS = {
    "a literal list": (f"{{ nodes(ids: {IDS}) {{ {NINE} }} * }}", {}),
    "a list of variables": (
        f"query ($id: ID!) {{ nodes(ids: [{'$id ' * 100}]) {{ {NINE} }} * }}",
        {"id": "x"},
    ),
    "a variable": (f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {NINE} }} * }}", {"ids": ["x"] * 100}),
    "a variable's default": (f"query ($ids: [ID!]! = {IDS}) {{ nodes(ids: $ids) {{ {NINE} }} * }}", {}),
    "a fragment": (
        f"query ($ids: [ID!]!) {{ ...F * }} fragment F on Query {{ nodes(ids: $ids) {{ {NINE} }} }}",
        {"ids": ["x"] * 100},
    ),
    "a page of pages": (
        """query ($ids: [ID!]!, $first: Int) { platform(key: "none") { id } *
         nodes(ids: $ids) { ... on Platform { users(first: $first) { nodes { id } } } } }""",
        {"ids": ["x"] * 9, "first": 55},
    ),
    "a page of the default size": (page(), {}),
    "a page of the default size in a fragment": (
        f"{page(selections='...Page')} fragment Page on UserConnection {{ {EDGES} }}",
        {},
    ),
    "a page without its size": (page("($first: Int)", "(first: $first)"), {}),
    "a page whose sizes are null": (
        page("($first: Int, $last: Int)", "(first: $first, last: $last)"),
        {"first": None, "last": None},
    ),
    "a page whose size is a literal null": (page(arguments="(first: null)"), {}),
    "a page whose size is its default": (page("($first: Int = 20)", "(first: $first)"), {}),
    "a page from its end": (
        """query ($first: Int, $last: Int = 111) { platform(key: "none") { users(first: $first, last: $last) {
             pageInfo { endCursor } nodes { badges { name } userMetadata { id } }
             edges { node { badges { name } userMetadata { id } } } } } * }""",
        {"first": None},
    ),
}


@pytest.mark.parametrize(("query", "variables"), COSTS.values(), ids=COSTS)
def test_an_operation_costs_at_most_1000(world: World, query: str, variables: dict[str, Any]) -> None:
    assert refusal(world.member, query.replace("*", ""), **variables) is None
    message = refusal(world.member, query.replace("*", "me { id }"), **variables)
    assert message is not None
    assert message.startswith("The operation costs 1001; the limit is 1000 (GQL_SERVICE_MAX_DOCUMENT_COST).")


REPRESENTATIONS = [{"__typename": "User", "username": "nobody"}] * 1000
ENTITIES = {
    "in the operation": "query ($all: [_Any!]!) { _entities(representations: $all) { %s } * }",
    "in a fragment": """query ($all: [_Any!]!) { ...F * }
        fragment F on Query { _entities(representations: $all) { %s } }""",
}


@pytest.mark.parametrize("query", ENTITIES.values(), ids=ENTITIES)
def test_entities_cost_at_most_10000(world: World, query: str) -> None:
    query = query.replace("%s", NINE)
    assert refusal(world.member, query.replace("*", ""), all=REPRESENTATIONS) is None
    more = "more: _entities(representations: []) { __typename }"
    message = refusal(world.member, query.replace("*", more), all=REPRESENTATIONS) or ""
    assert message.startswith(
        "The entities of the operation cost 10001; the limit is 10000 (GQL_SERVICE_MAX_ENTITIES_COST)."
    )


def test_entities_and_all_else_have_limits_of_their_own(world: World) -> None:
    query = ENTITIES["in the operation"].replace("%s", NINE)
    nodes = f"nodes(ids: {IDS}) {{ {NINE} }}"
    assert refusal(world.member, query.replace("*", nodes), all=REPRESENTATIONS) is None
    message = refusal(world.member, query.replace("*", f"{nodes} me {{ id }}"), all=REPRESENTATIONS) or ""
    assert message.startswith("The operation costs 1001; the limit is 1000 (GQL_SERVICE_MAX_DOCUMENT_COST).")


def test_the_cost_depends_on_the_variables_of_each_request(world: World) -> None:
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {NINE} }} me {{ id }} }}"
    assert refusal(world.member, query, ids=["x"] * 99) is None
    assert refusal(world.member, query, ids=["x"] * 100) is not None
    assert refusal(world.member, query, ids=[]) is None


def test_a_page_whose_size_is_a_variable_costs_as_much_as_that_size(world: World) -> None:
    """Even if the default size would cost too much."""
    pages = "edges { node { tokens(first: 100) { nodes { id } } } }"
    query = page("($first: Int)", "(first: $first)", pages).replace("*", "")
    assert refusal(world.member, query, first=1) is None
    assert refusal(world.member, query.replace("Int)", "Int = 1)")) is None
    assert refusal(world.member, query) is not None


@pytest.mark.parametrize("size", [0, -1, -1_000_000])
def test_an_invalid_page_size_costs_little_and_is_rejected(world: World, size: int) -> None:
    query = "query ($first: Int) { platform(key: $key) { users(first: $first) { nodes { id } } } }"
    query = query.replace("$key", f'"{world.platform_key}"')
    for document in (query, query.replace("($first: Int)", "").replace("$first", str(size))):
        (error,) = send(world.admin, document, first=size).json()["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "query", ["{ me { " + aliases(16) + " } }", COSTS["a variable"][0].replace("*", "me { id }")]
)
def test_a_refusal_is_a_request_error(world: World, query: str) -> None:
    for accept, status in ((JSON, 200), (RESPONSE, 400)):
        response = send(world.member, query, accept, ids=["x"] * 100)
        assert response.status_code == status
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert list(response.json()) == ["errors"]


def test_an_operation_that_costs_too_much_is_not_executed(world: World) -> None:
    document = f'platformKey: "{world.platform_key}"'
    patch = f"patchPlatformMetadata(input: {{{document}, metadata: {{a: 1}}}}) {{ deletedKeys }} "
    read = f'{{ platformMetadata(platformKey: "{world.platform_key}") {{ revision }} }}'
    assert refusal(world.member, f"mutation {{ {patch * 11} }}") is not None
    assert world.member.ask(read) == {"platformMetadata": {"revision": 0}}
    statements = []
    for query in ("{ __typename }", COSTS["a variable"][0].replace("*", "me { id }")):
        with world.service.statements() as seen:
            send(world.member, query, ids=["x"] * 100)
        statements.append(list(seen))
    assert statements[0] == statements[1]


OPERATION = '{set: {path: "/a", value: 1}}'
VALUE: dict[str, Any] = {"set": {"path": "/a", "value": 1}}


def patches(count: int, input: str) -> str:
    field = f"patchPlatformMetadata(input: {input}) {{ deletedKeys }}"
    return " ".join(f"a{number}: {field}" for number in range(count))


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (
            f"mutation ($i: PatchPlatformMetadataInput!) {{ {patches(10, '$i')} }}",
            lambda items: {"i": {"operations": [VALUE] * items}},
        ),
        (
            f"mutation ($o: [PatchOperation!]) {{ {patches(10, '{operations: $o}')} }}",
            lambda items: {"o": [VALUE] * items},
        ),
    ],
)
def test_objects_in_the_lists_of_an_input_cost_1_each(world: World, query: str, variables: Any) -> None:
    assert refusal(world.member, query, **variables(99)) is None
    message = refusal(world.member, query, **variables(100))
    assert message is not None
    assert message.startswith("The operation costs 1010; the limit is 1000")


def test_objects_in_literals_and_in_patches_cost_1_each(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_document_cost=20) as service:
        world = World(service)
        for lists in (f"operations: [{OPERATION * 10}]", 'expectedDigests: [{key: "k"}]'):
            assert refusal(world.member, f"mutation {{ {patches(1, f'{{{lists}}}')} }}") is None
        digests = '{key: "k"} ' * 2
        eleven = f"operations: [{OPERATION * 9}], expectedDigests: [{digests}]"
        assert refusal(world.member, f"mutation {{ {patches(1, f'{{{eleven}}}')} }}") is None
        message = refusal(world.member, f"mutation {{ {patches(2, f'{{{eleven}}}')} }}")
        assert message is not None
        assert message.startswith("The operation costs 24;")
        bulk = """mutation ($i: BulkPatchPlatformMetadataInput!) {
          bulkPatchPlatformMetadata(input: $i) { written } }"""
        patch = {"username": "nobody", "operations": [VALUE] * 5}
        message = refusal(world.admin, bulk, i={"platformKey": world.platform_key, "patches": [patch] * 4})
        assert message is not None
        assert message.startswith("The operation costs 24;")
