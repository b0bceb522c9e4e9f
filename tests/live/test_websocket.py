"""The protocol graphql-transport-ws, and what the server refuses."""

import time

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.events import following
from tests.support.http_clients import PATIENCE
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, socket, subscriber
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.world import Caller, World
from tests.web.test_http_protocol import connected, received

ME = "{ me { username } }"
CREATE = """mutation ($i: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $i) {
  platformMetadata { revision } } }"""
UPDATE_USER = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code } } }"
REVOKE = "mutation ($id: ID!) { revokeToken(input: {id: $id}) { userErrors { code } } }"


def test_other_operations_have_one_result(world: World) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        id = opened.subscribe(ME)
        assert opened.next() == {"me": {"username": world.member.username}}
        assert opened.receive() == {"id": id, "type": "complete"}
        id = opened.subscribe(CREATE, i={"platformKey": world.platform_key, "metadata": {"a": 1}})
        assert opened.next() == {"patchPlatformMetadata": {"platformMetadata": {"revision": 1}}}
        assert opened.receive() == {"id": id, "type": "complete"}


def test_several_subscriptions_on_one_connection(world: World) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        ids = [opened.subscribe(METADATA_CHANGED, key=world.platform_key, since=0) for _ in range(3)]
        patch(world.member, world, metadata={"a": 1})
        assert {opened.receive()["id"] for _ in ids} == set(ids)
        opened.send(type="complete", id=ids[0])
        opened.send(type="ping")
        assert opened.receive() == {"type": "pong"}
        patch(world.member, world, metadata={"a": 2})
        assert {opened.receive()["id"] for _ in ids[1:]} == set(ids[1:])


def test_an_id_can_be_used_again(world: World) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        variables = {"key": world.platform_key}
        for _ in range(3):
            opened.send(id="x", type="subscribe", payload={"query": METADATA_CHANGED, "variables": variables})
            opened.send(id="x", type="complete")
        opened.send(id="x", type="subscribe", payload={"query": ME})
        assert opened.next()["me"]["username"] == world.member.username


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { platformEvents", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: platformMetadataChanged { revision } b: platformMetadataChanged { revision } }",
         "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { platformMetadataChanged @skip(if: true) { revision } }",
         "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($k: String!) { platformMetadataChanged(platformKey: $k) { revision } }",
         "BAD_USER_INPUT"),
        ('subscription { platformMetadataChanged(platformKey: "nowhere") { revision } }', "NOT_FOUND"),
        ("subscription { platformMetadataChanged(sinceRevision: 7) { revision } }", "BAD_USER_INPUT"),
        ("subscription { platformMetadataChanged(sinceRevision: -1) { revision } }", "BAD_USER_INPUT"),
        ('subscription { platformMetadataChanged(username: "nobody") { revision } }', "FORBIDDEN"),
        ('subscription { platformEvents(platformKey: "KEY") { cursor } }', "FORBIDDEN"),
        ('subscription { platformEvents(platformKey: "KEY", after: "x") { cursor } }', "BAD_USER_INPUT"),
    ],
)  # fmt: skip
def test_errors_end_the_operation_alone(world: World, query: str, code: str) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        opened.subscribe(query.replace("KEY", world.platform_key))
        assert set(opened.errors()) == {code}
        opened.subscribe(ME)
        opened.next()


@pytest.mark.parametrize(
    ("payload", "code"),
    [(None, "BAD_USER_INPUT"), ([], "BAD_USER_INPUT"), ({"query": 1}, "BAD_USER_INPUT"),
     ({"query": ME, "variables": []}, "BAD_USER_INPUT"),
     ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
      "PERSISTED_QUERY_NOT_FOUND")],
)  # fmt: skip
def test_malformed_payloads(world: World, payload: object, code: str) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        opened.send(id="1", type="subscribe", payload=payload)
        assert opened.errors() == [code]


def test_the_token_may_be_in_the_header(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.member.token}"}
    with socket(world.service.url, additional_headers=headers) as opened:
        opened.init(None)
        opened.subscribe(ME)
        assert opened.next()["me"]["username"] == world.member.username


@pytest.mark.parametrize("payload", [{}, {"Authorization": "Token x"}, {"Authorization": 7}])
def test_without_a_valid_token(world: World, payload: dict[str, object]) -> None:
    with socket(world.service.url, path=f"/graphql?token={world.member.token}") as opened:
        opened.send(type="connection_init", payload=payload)
        assert opened.closed()[0] == 4403


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 4400), ("[]", 4400), ("{}", 4400), ('{"type": 1}', 4400), ('{"type": "start"}', 4400),
        ("{", 4400), ('{"type": "subscribe"}', 4400), ('{"type": "subscribe", "id": ""}', 4400),
        ('{"type": "connection_init"}', 4429), (b'{"type": "ping"}', 4400), ("[" * 100_000, 4400),
        ('{"type": "ping", "payload": "' + "x" * 1_100_000 + '"}', 1009),
    ],
)  # fmt: skip
def test_messages_that_close_the_connection(world: World, text: str | bytes, code: int) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        opened.connection.send(text)
        assert opened.closed()[0] == code


def test_an_id_in_use(world: World) -> None:
    with subscriber(world.service.url, world.member.token) as opened:
        for _ in range(2):
            opened.send(id="x", type="subscribe", payload={"query": METADATA_CHANGED})
        assert opened.closed() == (4409, "Subscriber for x already exists")


@pytest.mark.parametrize("message", [{"type": "subscribe", "id": "1", "payload": {"query": ME}}])
def test_messages_before_the_first(world: World, message: dict[str, object]) -> None:
    with socket(world.service.url) as opened:
        opened.send(**message)
        assert opened.closed() == (4401, "Unauthorized")


def test_a_large_message_before_the_first(world: World) -> None:
    with socket(world.service.url) as opened:
        opened.send(type="connection_init", payload={"a": "x" * 100_000})
        assert opened.closed()[0] == 1009


def test_no_first_message(world: World) -> None:
    with socket(world.service.url) as opened:
        assert opened.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
def test_other_subprotocols(world: World, protocol: str | None) -> None:
    with socket(world.service.url, protocol=protocol) as opened:
        assert opened.closed()[0] == 4406


def test_pages_of_other_sites(world: World) -> None:
    for origin in ("https://evil.example", "null", world.service.url + ".evil.example"):
        with pytest.raises(InvalidStatus) as refused, socket(world.service.url, origin=origin):
            pass
        assert refused.value.response.status_code == 403
    with socket(world.service.url, origin=world.service.url) as opened:
        opened.init(world.member.token)


def test_pages_of_allowed_sites(fresh_database_url: str) -> None:
    with serving(fresh_database_url, cors_origins=("https://app.example",)) as service:
        world = World(service)
        with socket(service.url, origin="https://app.example") as opened:
            opened.init(world.member.token)
        with pytest.raises(InvalidStatus), socket(service.url, origin="https://other.example"):
            pass


def test_a_revoked_token_closes_the_connection(world: World) -> None:
    user = world.new_user()
    with subscriber(world.service.url, user.token) as opened:
        opened.subscribe(METADATA_CHANGED)
        user.ask(REVOKE, id=user.token.split("_")[1])
        started = time.monotonic()
        assert opened.closed()[0] == 4403
        assert time.monotonic() - started < PATIENCE


def take_rights(world: World, user: Caller) -> None:
    change = {"username": user.username, "permissions": []}
    assert world.owner.ask(UPDATE_USER, i=change)["updateUser"] == {"userErrors": []}


def test_the_rights_are_those_of_now(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    with subscriber(world.service.url, admin.token) as opened:
        opened.subscribe(PLATFORM_EVENTS, key=world.platform_key, after=following(world).after)
        patch(world.member, world, metadata={"a": 1})
        opened.next()
        take_rights(world, admin)
        patch(world.member, world, metadata={"a": 2})
        assert opened.errors() == ["FORBIDDEN"]


def test_the_rights_in_a_document_are_those_of_now(world: World) -> None:
    """Before the next look at the tokens, which is half a second later."""
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    with subscriber(world.service.url, admin.token) as opened:
        variables = {"key": world.platform_key, "username": world.member.username, "since": 0}
        opened.subscribe(METADATA_CHANGED, **variables)
        patch(world.member, world, metadata={"a": 1})
        opened.next()
        take_rights(world, admin)
        patch(world.member, world, metadata={"a": 2})
        assert opened.errors() == ["FORBIDDEN"]


def test_limits(fresh_database_url: str) -> None:
    with serving(
        fresh_database_url, max_connection_subscriptions=2, max_user_subscriptions=3, max_document_cost=2000
    ) as service:
        world = World(service)
        with (
            subscriber(service.url, world.member.token) as first,
            subscriber(service.url, world.member.token) as second,
        ):
            for opened in (first, second):
                opened.subscribe(METADATA_CHANGED)
            first.subscribe(METADATA_CHANGED)
            first.subscribe(METADATA_CHANGED)
            assert first.errors() == ["LIMIT_EXCEEDED"]
            second.subscribe(METADATA_CHANGED)
            assert second.errors() == ["LIMIT_EXCEEDED"]
            with subscriber(service.url, world.colleague.token) as other:
                other.subscribe(
                    "subscription { platformMetadataChanged { platformMetadata { history(first: 100) {"
                    " nodes { actor { notifications(first: 100) { nodes { id } } } } } } } }"
                )
                assert other.errors() == ["LIMIT_EXCEEDED"]


def test_a_stopping_server_says_goodbye(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        with subscriber(service.url, world.member.token) as opened:
            opened.subscribe(METADATA_CHANGED)
            service.begin_to_stop()
            assert opened.closed()[0] == 1001


def test_a_first_message_in_the_same_packet_as_the_handshake(world: World) -> None:
    """A client that does not wait for the answer."""
    head = (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    text = b'{"type":"ping"}'
    frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
    with connected(world) as connection:
        connection.sendall(head + frame)
        assert b'{"type":"pong"}' in received(connection, b'{"type":"pong"}')
