"""The limits of documents: at and above each limit, for every way to write the document."""

from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from tests.support.service import Service, serving
from tests.support.world import Caller, World

JSON, RESPONSE = "application/json", "application/graphql-response+json"
LEAVES = "id userId tenantId username displayName image email revision createdAt"
USER = f"fragment U on User {{ {LEAVES} }}"


def send(caller: Caller, query: str, accept: str = RESPONSE, **variables: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {caller.token}", "Accept": accept}
    body = {"query": query, "variables": variables}
    return caller.service.client.post("/graphql", json=body, headers=headers)


def refusal(caller: Caller, query: str, **variables: Any) -> str | None:
    """The message with which an operation is rejected as too large; None if it succeeds."""
    response = send(caller, query, **variables)
    body = response.json()
    if response.status_code == 200:
        assert list(body) == ["data"], body
        return None
    assert (response.status_code, list(body)) == (400, ["errors"]), body
    (error,) = body["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
    return str(error["message"])


def rest(setting: str) -> str:
    """The end of the message that a limit is exceeded."""
    return f"(GQL_SERVICE_MAX_{setting}). Request less at a time."


def deep(depth: int, nesting: str) -> str:
    """A document of this depth."""
    steps = ["me", *islice(cycle(["userMetadata", "user"]), depth - 2), "__typename"]
    if nesting == "fragments":
        types = {"me": "User", "user": "User", "userMetadata": "PlatformMetadata"}
        spread = [step if step == "__typename" else f"{step} {{ ...F{at} }}" for at, step in enumerate(steps)]
        rest = zip(steps, spread[1:], strict=False)
        fragments = [f"fragment F{at} on {types[step]} {{ {then} }}" for at, (step, then) in enumerate(rest)]
        return f"{{ {spread[0]} }} {' '.join(fragments)}"
    opening, closing = (" { ... { ", " } }") if nesting == "inline fragments" else (" { ", " }")
    return "{ " + opening.join(steps) + closing * (depth - 1) + " }"


def wide(fields: int) -> str:
    """A document with this number of fields, at least 430, in ten branches."""
    branch = "me { ...U userMetadata { user { ...U userMetadata { user { ...U userMetadata { user { ...U"
    tails = [" __typename" * (fields // 10 - 43 + (fields % 10 if at == 0 else 0)) for at in range(10)]
    branches = [f"a{at}: {branch}{tail}" + " }" * 7 for at, tail in enumerate(tails)]
    return f"{{ {' '.join(branches)} }} {USER}"


@pytest.mark.parametrize("nesting", ["fields", "inline fragments", "fragments"])
def test_a_document_is_at_most_10_fields_deep(world: World, nesting: str) -> None:
    assert refusal(world.member, deep(10, nesting)) is None
    message = "The document is nested {} fields deep; 10 are allowed " + rest("DOCUMENT_DEPTH")
    assert refusal(world.member, deep(11, nesting)) == message.format(11)
    assert refusal(world.member, deep(25, nesting)) == message.format(25)


def aliases(count: int) -> str:
    return " ".join(f"a{at}: id" for at in range(count))


ALIASES: dict[str, Callable[[int], str]] = {
    "fields": lambda count: f"{{ me {{ {aliases(count)} }} }}",
    "fields of two levels": lambda count: f"{{ a: me {{ {aliases(count - 1)} }} }}",
    "their own names": lambda count: f"{{ me {{ {'id: id ' * count} }} }}",
    "inline fragments": lambda count: (
        f"{{ me {{ ... {{ b: id }} ... on User {{ {aliases(count - 1)} }} }} }}"
    ),
    "a fragment": lambda count: f"{{ me {{ ...F }} }} fragment F on User {{ {aliases(count)} }}",
    "a fragment again": lambda count: f"{{ me {{ {'...F ' * count} }} }} fragment F on User {{ a: id }}",
}
ROOTS: dict[str, Callable[[int], str]] = {
    "fields": lambda count: f"{{ {'__typename ' * count} }}",
    "inline fragments": lambda count: f"{{ me {{ id }} {'... on Query { __typename } ' * (count - 1)} }}",
    "a fragment": lambda count: f"{{ ...F }} fragment F on Query {{ {'__typename ' * count} }}",
    "a fragment again": lambda count: f"{{ {'...F ' * count} }} fragment F on Query {{ __typename }}",
}


@pytest.mark.parametrize("written", ALIASES.values(), ids=ALIASES)
def test_an_operation_has_at_most_15_aliases(world: World, written: Callable[[int], str]) -> None:
    assert refusal(world.member, written(15)) is None
    message = "The document has 16 aliases; 15 are allowed " + rest("DOCUMENT_ALIASES")
    assert refusal(world.member, written(16)) == message


@pytest.mark.parametrize("written", ROOTS.values(), ids=ROOTS)
def test_an_operation_has_at_most_10_fields_at_its_root(world: World, written: Callable[[int], str]) -> None:
    assert refusal(world.member, written(10)) is None
    message = "The document has 11 fields at its root; 10 are allowed " + rest("ROOT_FIELDS")
    assert refusal(world.member, written(11)) == message


def test_an_operation_has_at_most_500_fields(world: World) -> None:
    assert refusal(world.member, wide(500)) is None
    message = "The document has 501 fields; 500 are allowed " + rest("DOCUMENT_FIELDS")
    assert refusal(world.member, wide(501)) == message


def test_a_document_has_at_most_500_fields_in_50_operations(world: World) -> None:
    def ask(document: str) -> Any:
        headers = {"Authorization": f"Bearer {world.member.token}"}
        body = {"query": document, "operationName": "Q7"}
        return world.service.client.post("/graphql", json=body, headers=headers).json()

    def message(document: str) -> str:
        (error,) = ask(document)["errors"]
        assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
        return str(error["message"])

    operations = [f"query Q{at} {{ me {{ {LEAVES} }} }}" for at in range(51)]
    assert list(ask(" ".join(operations[:50]))) == ["data"]
    assert message(" ".join(operations)).startswith("The document has 51 operations and fragments; 50 are")
    longer = operations[0].replace("id", "id __typename", 1)
    assert message(" ".join([longer, *operations[1:50]])).startswith("The document has 501 fields;")


def test_a_field_may_be_selected_by_many_fragments_but_not_by_hundreds(world: World) -> None:
    spreads = " ".join(f"...F{at}" for at in range(20))
    fragments = " ".join(f"fragment F{at} on User {{ __typename id username }}" for at in range(20))
    assert refusal(world.member, f"{{ me {{ {spreads} }} }} {fragments}") is None
    message = (
        "The document selects too many fields of the same name in the same position. "
        "Select each of them once."
    )
    assert refusal(world.member, f"{{ me {{ {'id ' * 300} }} }}") == message


def test_fragments_are_at_most_100_levels_deep(world: World) -> None:
    def inline(levels: int) -> str:
        return "{ " + "... { " * (levels - 1) + "__typename" + " }" * levels

    def spread(levels: int) -> str:
        inner = inline(levels - 30).replace("__typename", "id")
        return f"{{ me {{ {'... { ' * 28} ...F {'} ' * 28} }} }} fragment F on User {inner}"

    for document in (inline, spread):
        assert refusal(world.member, document(100)) is None
        message = refusal(world.member, document(101)) or ""
        assert message.startswith("The document and its fragments are nested more than 100 levels deep.")


def test_limits_come_before_validation_and_before_the_caller(service: Service) -> None:
    body = service.client.post("/graphql", json={"query": "{ " + "unknown " * 11 + "}"}).json()
    assert [error["extensions"]["code"] for error in body["errors"]] == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ me { ...F } } fragment F on User { ...F }", "Cannot spread fragment 'F' within itself."),
        (
            "{ ...F } fragment F on Query { ...G } fragment G on Query { platform(key: 1) { id } ...F }",
            "Cannot spread fragment 'F' within itself via 'G'.",
        ),
        ("{ me { ...F } }", "Unknown fragment 'F'."),
        ("{ me { id } } fragment F on User { id }", "Fragment 'F' is never used."),
        ("{ me { ...F } } fragment F on User { id } fragment F on User { username }",
         "There can be only one fragment named 'F'."),
    ],
)  # fmt: skip
def test_fragments_that_cannot_be_expanded_are_rejected_by_validation(
    world: World, query: str, message: str
) -> None:
    errors = send(world.member, query).json()["errors"]
    assert message in [error["message"] for error in errors]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        get_introspection_query(descriptions=False),
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
            one_of=True,
        ),
    ],
)
def test_the_introspection_queries_of_tools_succeed(service: Service, query: str) -> None:
    body = service.client.post("/graphql", json={"query": query}).json()
    assert list(body) == ["data"]


def test_introspection_has_a_limit_of_its_own(service: Service) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    (error,) = service.client.post("/graphql", json={"query": query}).json()["errors"]
    assert error["message"] == "Maximum introspection depth exceeded"


LIMITS = """{ limits { bodyBytes anonymousBodyBytes responseBytes jsonValues documentLength
  documentTokens documentDepth documentAliases documentRootFields documentFields documentCost
  keyLength valueBytes metadataBytes metadataKeys pageSize nodes representations entitiesCost
  requestSeconds } }"""


def test_the_limits_can_be_queried_without_a_token(service: Service) -> None:
    settings = service.settings
    assert service.client.post("/graphql", json={"query": LIMITS}).json()["data"]["limits"] == {
        "bodyBytes": settings.max_body_size,
        "anonymousBodyBytes": 64 * 1024,
        "responseBytes": 10 * 1024 * 1024,
        "jsonValues": 100_000,
        "documentLength": 32 * 1024,
        "documentTokens": settings.max_document_tokens,
        "documentDepth": 10,
        "documentAliases": 15,
        "documentRootFields": 10,
        "documentFields": 500,
        "documentCost": 1000,
        "keyLength": settings.max_key_length,
        "valueBytes": settings.max_value_size,
        "metadataBytes": settings.max_metadata_size,
        "metadataKeys": settings.max_metadata_keys,
        "pageSize": 100,
        "nodes": 100,
        "representations": 1000,
        "entitiesCost": 10000,
        "requestSeconds": settings.request_timeout,
    }


def test_the_limits_are_settings(tmp_path: Path) -> None:
    chosen = {
        "max_document_depth": 3,
        "max_document_aliases": 2,
        "max_root_fields": 1,
        "max_document_fields": 25,
        "max_document_cost": 4,
    }
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", **chosen) as service:
        member = World(service).member
        message = member.ask(LIMITS)["limits"]
        assert [message[name] for name in message if name.startswith("document")][2:] == list(chosen.values())
        for allowed, refused in (
            (deep(3, "fields"), deep(4, "fields")),
            (ALIASES["fields"](2), ALIASES["fields"](3)),
            (ROOTS["fields"](1), ROOTS["fields"](2)),
            (f"{{ me {{ {LEAVES} {'id ' * 15} }} }}", f"{{ me {{ {LEAVES} {'id ' * 16} }} }}"),
            ('{ nodes(ids: ["", "", "", ""]) { id } }', '{ nodes(ids: ["", "", "", "", ""]) { id } }'),
        ):
            assert refusal(member, allowed) is None
            assert refusal(member, refused) is not None


def test_the_operator_chooses_the_limits_of_entities(tmp_path: Path) -> None:
    settings = {"max_representations": 3, "max_entities_cost": 4}
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on User { id %s } } }"
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", **settings) as service:
        member = World(service).member
        of = [{"__typename": "User", "userId": member.id}] * 4
        assert refusal(member, query % "", of=of[:3]) is None
        body = send(member, query % "", of=of).json()
        assert body["errors"][0]["message"] == (
            "`representations` has 4 items; 3 are allowed (GQL_SERVICE_MAX_REPRESENTATIONS)."
        )
        assert refusal(member, query % "badges { name }", of=of[:2]) is None
        message = refusal(member, query % "badges { name }", of=of[:3]) or ""
        assert message.startswith(
            "The entities of the operation cost 6; the limit is 4 (GQL_SERVICE_MAX_ENTITIES_COST)."
        )
