"""The same operations by REST and by GraphQL result in equal documents."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.world import World

KEYS = st.sampled_from(["a", "b", "ключ", "with space", "dotted.key", "", " padded", "k" * 256])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
METADATA = st.dictionaries(KEYS, VALUES, max_size=3)
OPERATIONS = st.lists(
    st.tuples(st.just("PATCH"), st.none() | METADATA, st.none() | st.lists(KEYS, max_size=3))
    | st.tuples(st.just("PUT"), METADATA, st.none())
    | st.tuples(st.just("DELETE"), st.none(), st.none()),
    min_size=1,
    max_size=8,
)
MUTATIONS = {
    "PATCH": "mutation ($i: PatchPlatformMetadataInput!) { w: patchPlatformMetadata(input: $i) "
    "{ platformMetadata { metadata revision } userErrors { message } } }",
    "PUT": "mutation ($i: ReplacePlatformMetadataInput!) { w: replacePlatformMetadata(input: $i) "
    "{ platformMetadata { metadata revision } userErrors { message } } }",
    "DELETE": "mutation ($i: ClearPlatformMetadataInput!) { w: clearPlatformMetadata(input: $i) "
    "{ platformMetadata { metadata revision } userErrors { message } } }",
}
READ = "query ($key: String!) { platformMetadata(platformKey: $key) { metadata revision } }"


@settings(max_examples=30)
@given(operations=OPERATIONS)
def test_the_same_operations_result_in_equal_documents(world: World, operations: list[Any]) -> None:
    by_rest, by_graphql = world.new_platform(), world.new_platform()
    for method, metadata, delete_keys in operations:
        rest_body = {"metadata": metadata, "delete_keys": delete_keys}
        graphql_input = {"metadata": metadata, "deleteKeys": delete_keys}
        rest_body = {name: value for name, value in rest_body.items() if value is not None}
        graphql_input = {name: value for name, value in graphql_input.items() if value is not None}
        response = world.member.rest(method, by_rest, None if method == "DELETE" else rest_body)
        data = world.member.graphql(MUTATIONS[method], i={"platformKey": by_graphql, **graphql_input})
        accepted = "errors" not in data and not data["data"]["w"]["userErrors"]
        assert response.is_success == accepted, (response.text, data)
    read = world.member.rest("GET", by_rest)
    other = world.member.ask(READ, key=by_graphql)["platformMetadata"]
    assert repr(read.json()["metadata"]) == repr(other["metadata"])
    assert read.headers["etag"] == f'"{other["revision"]}"'
