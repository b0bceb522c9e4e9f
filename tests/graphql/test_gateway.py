"""The service in a federated graph: the gateways of Apollo and Hive join it with other subgraphs."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.http_clients import http_client
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, START, Stream, stream
from tests.support.npm import npm_project
from tests.support.service import Service
from tests.support.world import Caller, World

pytestmark = pytest.mark.clients

ORDERS = """query ($buyers: [ID!]!, $key: String!) { orders(buyers: $buyers, platformKey: $key) {
  number buyer { %s } platform { name } metadata { revision metadata invoice } } }"""

JOINED = METADATA_CHANGED.replace("metadata }", "metadata invoice }")
"""A subscription to which another subgraph adds a field."""


class Gateway:
    """A running gateway."""

    def __init__(self, name: str, url: str, service: Service) -> None:
        self.name = name
        self.service = service
        self._client = http_client(url)

    def post(self, caller: Caller | None, query: str, **variables: Any) -> dict[str, Any]:
        """POST an operation, with the caller's token if there is one; returns the response body."""
        headers = {"Authorization": f"Bearer {caller.token}"} if caller else {}
        response = self._client.post("/", json={"query": query, "variables": variables}, headers=headers)
        body: dict[str, Any] = response.json()
        return body

    def ask(self, caller: Caller, query: str, **variables: Any) -> Any:
        """POST an operation that must succeed; returns its data."""
        body = self.post(caller, query, **variables)
        assert "errors" not in body, body
        return body["data"]

    def stream(self, caller: Caller | None, query: str, **variables: Any) -> AbstractContextManager[Stream]:
        """Subscribe by server-sent events."""
        token = None if caller is None else caller.token
        return stream(self._client, token, query, path="/", **variables)

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="session", params=["apollo", "hive"])
def gateway(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway in front of the server."""
    with running_gateway(request.param, service, tmp_path_factory.mktemp("gateway")) as running:
        yield running


@contextmanager
def running_gateway(name: str, service: Service, folder: Path, *options: str) -> Iterator[Gateway]:
    """A gateway in front of a server. Fails with the reasons if it cannot compose the schema."""
    stderr_path = folder / "stderr"
    project = npm_project(f"{name}-gateway")
    command = ["node", str(project / "gateway.mjs"), f"{service.url}/graphql", *options]
    with (
        stderr_path.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), (
                f"the gateway did not start:\n{stderr_path.read_text()}"
            )
            running = Gateway(name, url, service)
            yield running
            running.close()
        finally:
            process.kill()  # Hive's runtime catches SIGTERM, and the server goes on


def service_errors(body: dict[str, Any]) -> set[tuple[str, str]]:
    """Code and message of the service's errors.

    Hive repeats the error of a request at every reference, and adds its own where a reference is null."""
    errors = [(error["extensions"]["code"], error["message"]) for error in body.get("errors", [])]
    return {error for error in errors if error != ("INTERNAL_SERVER_ERROR", "Unexpected error.")}


def patch(caller: Caller, platform_key: str | None, **metadata: Any) -> None:
    caller.ask(
        """mutation ($input: PatchPlatformMetadataInput!) {
          patchPlatformMetadata(input: $input) { userErrors { message } } }""",
        input={"platformKey": platform_key, "metadata": metadata},
    )


def test_the_graph_composes_with_every_type_of_the_service(gateway: Gateway, world: World) -> None:
    types = gateway.ask(world.member, "{ __schema { types { name } } }")["__schema"]["types"]
    names = {type_["name"] for type_ in types}
    assert {"User", "Platform", "PlatformMetadata", "JSONObject", "Timestamp", "Node", "Order"} <= names
    assert not {"_Any", "_Entity", "_Service"} & names


def test_fields_of_another_subgraph_extend_the_user(gateway: Gateway, world: World) -> None:
    me = gateway.ask(world.member, "{ me { username orders } }")["me"]
    assert me["username"] == world.member.username
    assert me["orders"] == [f"first of {world.member.id}", f"second of {world.member.id}"]


def test_fields_of_another_subgraph_extend_platform_and_document(gateway: Gateway, world: World) -> None:
    query = "query ($key: String!) { platform(key: $key) { name orderCount } %s }"
    document = "platformMetadata(platformKey: $key) { id revision invoice }"
    found = gateway.ask(world.member, query % document, key=world.platform_key)
    assert found["platform"]["orderCount"] == len(world.platform_key)
    assert found["platformMetadata"]["invoice"] == f"invoice for {found['platformMetadata']['id']}"


def test_another_subgraph_refers_to_user_platform_and_document(gateway: Gateway, world: World) -> None:
    patch(world.member, world.platform_key, theme="dark", deep={"n": [1, None, 1.5]})
    variables = {"buyers": [world.member.id], "key": world.platform_key}
    (order,) = gateway.ask(world.member, ORDERS % "displayName email orders", **variables)["orders"]
    assert order["buyer"]["displayName"] == world.member.username
    assert order["buyer"]["email"] == f"{world.member.username}@example.com"
    assert order["buyer"]["orders"][0] == f"first of {world.member.id}"
    assert order["platform"] == {"name": world.platform_key}
    assert order["metadata"]["metadata"] == {"theme": "dark", "deep": {"n": [1, None, 1.5]}}
    assert order["metadata"]["revision"] == 1


def test_another_subgraph_refers_to_a_user_by_username(gateway: Gateway, world: World) -> None:
    query = "query ($of: String!) { addressee(of: $of) { userId displayName } }"
    found = gateway.ask(world.member, query, of=world.colleague.username)["addressee"]
    assert found == {"userId": world.colleague.id, "displayName": world.colleague.username}


def test_another_subgraph_refers_to_a_user_by_global_id(gateway: Gateway, world: World) -> None:
    id = world.colleague.ask("{ me { id } }")["me"]["id"]
    query = "query ($of: ID!) { author(of: $of) { userId username } }"
    found = gateway.ask(world.member, query, of=id)["author"]
    assert found == {"userId": world.colleague.id, "username": world.colleague.username}


@pytest.mark.parametrize("where", ["platform", "user-wide"])
def test_another_subgraph_refers_to_platform_entry_and_document_by_their_other_keys(
    gateway: Gateway, world: World, where: str
) -> None:
    key = world.platform_key if where == "platform" else None
    patch(world.member, key, note=where)
    query = """query ($of: ID!, $key: String) { loan(of: $of, platformKey: $key) {
      at { key } settings { platformKey metadata } note { value } } }"""
    body = gateway.post(world.member, query, of=world.member.id, key=key)
    assert body["data"]["loan"] == {
        "at": {"key": key} if key else None,
        "settings": {"platformKey": key, "metadata": {"note": where}},
        "note": {"value": where},
    }


def test_a_reference_to_an_unknown_object_is_null(gateway: Gateway, world: World) -> None:
    body = gateway.post(world.member, '{ addressee(of: "nobody") { displayName } }')
    assert body["data"] == {"addressee": None}


def test_a_reference_reveals_nothing_to_a_stranger(gateway: Gateway, world: World) -> None:
    patch(world.member, world.platform_key, secret="canary")
    variables = {"buyers": [world.member.id], "key": world.platform_key}
    body = gateway.post(world.stranger, ORDERS % "displayName", **variables)
    assert body["data"]["orders"] == [{"number": 0, "buyer": None, "platform": None, "metadata": None}]
    assert "canary" not in str(body)
    assert world.member.username not in str(body)


def test_a_colleague_sees_the_user_without_private_fields(gateway: Gateway, world: World) -> None:
    patch(world.member, world.platform_key, secret="canary")
    variables = {"buyers": [world.member.id], "key": world.platform_key}
    (order,) = gateway.post(world.colleague, ORDERS % "displayName", **variables)["data"]["orders"]
    assert order["buyer"] == {"displayName": world.member.username}
    assert order["metadata"] is None
    private = gateway.post(world.colleague, ORDERS % "displayName email", **variables)
    assert private["data"]["orders"][0]["buyer"] == {"displayName": world.member.username, "email": None}
    assert service_errors(private) == {("FORBIDDEN", "User.email requires the role SELF.")}


def test_without_a_token_every_reference_is_refused(gateway: Gateway, world: World) -> None:
    variables = {"buyers": [world.member.id], "key": world.platform_key}
    body = gateway.post(None, ORDERS % "displayName", **variables)
    assert body["data"]["orders"] == [{"number": 0, "buyer": None, "platform": None, "metadata": None}]
    assert service_errors(body) == {("UNAUTHENTICATED", "Authentication credentials were not provided.")}


def test_a_mutation_succeeds_through_the_gateway(gateway: Gateway, world: World) -> None:
    query = """mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) {
      platformMetadata { revision metadata user { orders } } userErrors { message ... on RevisionConflict {
        currentRevision } } } }"""
    input = {"platformKey": world.platform_key, "metadata": {"a": {"b": [True, 2**53, None]}}}
    written = gateway.ask(world.member, query, input=input)["patchPlatformMetadata"]
    assert written["platformMetadata"]["metadata"] == input["metadata"]
    assert len(written["platformMetadata"]["user"]["orders"]) == 2
    conflict = gateway.ask(world.member, query, input={**input, "expectedRevision": 7})
    assert conflict["patchPlatformMetadata"]["userErrors"][0]["currentRevision"] == 1


@pytest.mark.parametrize(
    "selection", ["buyer { displayName badges { name } }", "metadata { metadata username }"]
)
def test_the_number_of_statements_does_not_grow_with_the_references(
    gateway: Gateway, world: World, selection: str
) -> None:
    # One kind of reference is one request; of several, sent at once, the loaders may gather the reads.
    query = "query ($buyers: [ID!]!, $key: String!) { orders(buyers: $buyers, platformKey: $key) { %s } }"
    people = [world.new_user() for _ in range(20)]
    counts = []
    for buyers in (people[:2], people):
        variables = {"buyers": [buyer.id for buyer in buyers], "key": world.platform_key}
        with gateway.service.statements() as statements:
            orders = gateway.ask(world.admin, query % selection, **variables)["orders"]
        assert len(orders) == len(buyers)
        assert all(next(iter(order.values())) for order in orders)
        counts.append(len(statements))
    assert counts[0] == counts[1], counts


def test_a_thousand_references_in_one_query(gateway: Gateway, world: World) -> None:
    # All are different, since Hive sends equal ones once. Creating so many users would take long.
    people = [world.new_user() for _ in range(50)]
    buyers = [buyer.id for buyer in people] + [f"user-{number}" for number in range(950)]
    query = """query ($buyers: [ID!]!, $key: String!) { orders(buyers: $buyers, platformKey: $key) {
      number buyer { displayName badges { name } } } }"""
    body = gateway.post(world.member, query, buyers=buyers, key=world.platform_key)
    orders = body["data"]["orders"]
    assert [order["number"] for order in orders] == list(range(1000))
    found = [{"displayName": buyer.username, "badges": []} for buyer in people]
    assert [order["buyer"] for order in orders] == found + [None] * 950
    assert service_errors(body) == set()


def test_a_request_error_keeps_its_message_and_code(gateway: Gateway, world: World) -> None:
    people = [f"user-{number}" for number in range(1000)]
    variables = {"buyers": people, "key": world.platform_key}
    selection = "buyer { a: notifications(first: 9) { nodes { id } } b: tokens(first: 9) { nodes { id } } }"
    query = "query ($buyers: [ID!]!, $key: String!) { orders(buyers: $buyers, platformKey: $key) { %s } }"
    body = gateway.post(world.admin, query % selection, **variables)
    ((code, message),) = service_errors(body)
    assert code == "LIMIT_EXCEEDED"
    assert message.startswith("The entities of the operation cost ")


def test_more_references_than_the_limit_are_refused_with_message_and_code(
    gateway: Gateway, world: World
) -> None:
    people = [f"user-{number}" for number in range(1001)]
    query = "query ($buyers: [ID!]!, $key: String!) { orders(buyers: $buyers, platformKey: $key) { %s } }"
    body = gateway.post(world.admin, query % "buyer { displayName }", buyers=people, key=world.platform_key)
    message = "`representations` has 1001 items; 1000 are allowed (GQL_SERVICE_MAX_REPRESENTATIONS)."
    assert service_errors(body) == {("LIMIT_EXCEEDED", message)}


def test_subscriptions(gateway: Gateway, world: World) -> None:
    """Hive's gateway passes them through, by server-sent events. Apollo's for Node refuses all."""
    if gateway.name == "apollo":
        errors = gateway.post(world.member, JOINED, key=world.platform_key)["errors"]
        assert [each["message"] for each in errors] == ["Execution of subscriptions not supported by gateway"]
        return
    check_changes(gateway, world)
    with gateway.stream(world.member, PLATFORM_EVENTS, key=world.platform_key) as events:
        result = events.event()[1]
        assert service_errors(result) == {("FORBIDDEN", "Only tenant admins can administer a platform")}


def test_subscriptions_by_websocket(world: World, tmp_path: Path) -> None:
    """Each client has the rights of its own token. Hive's transport does not say why one is refused."""
    with running_gateway("hive", world.service, tmp_path, "websocket") as gateway:
        check_changes(gateway, world)
        with gateway.stream(world.admin, PLATFORM_EVENTS, key=world.platform_key, after=START) as events:
            assert events.next()["platformEvents"]["node"]["userId"] == world.member.id
        with gateway.stream(world.member, PLATFORM_EVENTS, key=world.platform_key) as events:
            (error,) = events.event()[1]["errors"]
            assert error["message"] == "Unexpected error."


def check_changes(gateway: Gateway, world: World) -> None:
    """The changes of a document come through the gateway, joined with another subgraph."""
    with gateway.stream(world.member, JOINED, key=world.platform_key, since=0) as events:
        for revision in (1, 2):
            patch(world.member, world.platform_key, count=revision)
            change = events.next()["platformMetadataChanged"]
            assert (change["revision"], change["changedKeys"]) == (revision, ["count"])
            assert change["platformMetadata"]["metadata"] == {"count": revision}
            assert change["platformMetadata"]["invoice"].startswith("invoice for ")
