"""What nobody has foreseen ends one operation or one connection. Its cause is in the log only."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gql_service.services import subscriptions
from gql_service.web import event_stream, websocket
from gql_service.web.authentication import Authenticator
from gql_service.web.event_stream_protocol import EventStream
from tests.support.live import METADATA_CHANGED, socket, stream, subscriber
from tests.support.patches import patch
from tests.support.world import World

SECRET = "value-of-a-customer"
ME = "{ me { username } }"
MARKED = f"{ME} # fails"


class Planted(Exception):
    """What no code expects. Its message has what messages of database drivers quote."""

    def __init__(self) -> None:
        super().__init__(SECRET)


class Faults:
    """Makes functions of the server fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        self._monkeypatch = monkeypatch
        self._caplog = caplog

    def plant(self, owner: Any, name: str, mark: object) -> None:
        """Let a function fail if the mark is in one of its arguments, as it is printed."""
        function = getattr(owner, name)

        def failing(*arguments: Any, **options: Any) -> Any:
            if str(mark) in repr((arguments, options)):
                raise Planted
            return function(*arguments, **options)

        self._monkeypatch.setattr(owner, name, failing)

    def check_log(self, message: str) -> None:
        """The log has the cause of the only error, whose id the client got. The secret is in neither."""
        records = [each for each in self._caplog.records if each.levelno >= logging.WARNING]
        (details,) = [vars(each).get("details", {}) for each in records]
        found = re.fullmatch(r"Internal error\. Report this id to the operators: (\w+)", message)
        assert found is not None, message
        assert details["id"] == found[1]
        assert details["type"] == "Planted"
        assert details["frames"][-1].endswith(" failing")
        assert SECRET not in message + repr([vars(each) for each in self._caplog.records])


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Faults:
    return Faults(monkeypatch, caplog)


@contextmanager
def others_go_on(world: World) -> Iterator[None]:
    """A subscriber gets what changes after the block."""
    begin = patch(world.member, world, metadata={"n": 0})["platformMetadata"]["revision"]
    with subscriber(world.service.url, world.member.token) as other:
        other.subscribe(METADATA_CHANGED, key=world.platform_key, since=begin)
        yield
        patch(world.member, world, metadata={"n": 1})
        assert other.next()["platformMetadataChanged"]["revision"] == begin + 1


def test_an_operation_on_a_websocket(world: World, faults: Faults) -> None:
    """The others on the same connection go on."""
    faults.plant(websocket, "check_parameters", MARKED)
    with subscriber(world.service.url, world.member.token) as opened:
        followed = opened.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
        failed = opened.subscribe(MARKED)
        message = opened.receive()
        assert (message["type"], message["id"]) == ("error", failed)
        (error,) = message["payload"]
        assert error["extensions"]["code"] == "INTERNAL"
        patch(world.member, world, metadata={"a": 1})
        assert opened.receive()["id"] == followed
    faults.check_log(error["message"])


def test_a_message_on_a_websocket(world: World, faults: Faults) -> None:
    faults.plant(websocket, "parse_body", "fails")
    with others_go_on(world), subscriber(world.service.url, world.member.token) as opened:
        opened.subscribe(METADATA_CHANGED, key=world.platform_key)
        opened.send(type="ping", payload={"fails": True})
        code, reason = opened.closed()
    assert code == 4500
    faults.check_log(reason)


def test_the_authentication_of_a_websocket(world: World, faults: Faults) -> None:
    user = world.new_user()
    faults.plant(Authenticator, "subscriber", user.token)
    with others_go_on(world), socket(world.service.url) as opened:
        opened.send(type="connection_init", payload={"Authorization": f"Token {user.token}"})
        code, reason = opened.closed()
    assert code == 4500
    faults.check_log(reason)


def test_the_handshake_of_a_websocket(world: World, faults: Faults) -> None:
    faults.plant(websocket, "one_value_each", "fails")
    with others_go_on(world):
        with pytest.raises(InvalidStatus) as refused, socket(world.service.url, origin="fails"):
            pass
        assert refused.value.response.status_code == 500
    assert refused.value.response.body is not None
    faults.check_log(refused.value.response.body.decode())


def test_the_request_for_an_event_stream(world: World, faults: Faults) -> None:
    faults.plant(event_stream, "read_parameters", "b'fails'")
    headers = {"Accept": "text/event-stream", "Authorization": f"Token {world.member.token}"}
    with others_go_on(world):
        response = world.service.client.get("/graphql?fails", headers=headers)
    assert response.status_code == 500
    faults.check_log(response.json()["error"])


def test_an_event_stream(world: World, faults: Faults) -> None:
    """Before it is complete, the client gets an error: otherwise it would take this for the end."""
    faults.plant(EventStream, "_send_result", '"fails"')
    with (
        others_go_on(world),
        stream(world.service.client, world.member.token, METADATA_CHANGED, key=world.platform_key) as opened,
    ):
        patch(world.member, world, metadata={"fails": 1})
        name, result = opened.event()
        (error,) = result["errors"]
        assert (name, error["extensions"]["code"]) == ("next", "INTERNAL")
        assert opened.event() == ("complete", None)
    faults.check_log(error["message"])


@pytest.mark.parametrize("is_websocket", [True, False])
def test_the_source_of_a_subscription(world: World, faults: Faults, is_websocket: bool) -> None:
    user = world.new_user()
    faults.plant(subscriptions, "_changes_since", user.id)
    variables: dict[str, Any] = {"key": world.platform_key, "since": 0}
    patch(user, world, metadata={"a": 1})
    with others_go_on(world):
        if is_websocket:
            with subscriber(world.service.url, user.token) as opened:
                opened.subscribe(METADATA_CHANGED, **variables)
                message = opened.receive()
                (error,) = message["payload"]
                assert message["type"] == "error"
                opened.subscribe(ME)
                assert opened.next() == {"me": {"username": user.username}}
        else:
            with stream(world.service.client, user.token, METADATA_CHANGED, **variables) as events:
                (error,) = events.event()[1]["errors"]
                assert events.event() == ("complete", None)
    assert error["extensions"]["code"] == "INTERNAL"
    faults.check_log(error["message"])
