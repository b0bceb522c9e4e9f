"""Conditional requests: the entity tag is the revision. See RFC 9110, section 13."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.world import REST, Caller, World

WRITES: dict[str, Any] = {"PATCH": {"metadata": {"b": 2}}, "PUT": {"metadata": {"b": 2}}, "DELETE": None}
EACH_WRITE = pytest.mark.parametrize("method", WRITES)


class Client:
    """The member of a world, sending conditional requests about their document."""

    def __init__(self, world: World) -> None:
        self.caller: Caller = world.member
        self.key = world.platform_key

    def send(self, method: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request with headers; an underscore in a name becomes a hyphen."""
        return self.send_lines(method, body, [(name.replace("_", "-"), headers[name]) for name in headers])

    def send_lines(self, method: str, body: Any, lines: list[tuple[str, str]]) -> httpx.Response:
        """A request whose header lines may repeat a name, and may have any characters."""
        return self.caller.service.client.request(
            method,
            REST,
            params={"platform_key": self.key},
            json=body,
            headers=[
                (b"Authorization", f"Token {self.caller.token}".encode()),
                *((name.encode(), value.encode()) for name, value in lines),
            ],
        )

    def state(self) -> tuple[str, Any]:
        response = self.send("GET")
        return response.headers["etag"], response.json()


@pytest.fixture
def client(world: World) -> Client:
    """A member whose document was never written."""
    return Client(world)


@pytest.fixture
def written(client: Client) -> Client:
    """A member whose document is at revision 2."""
    client.send("PUT", {"metadata": {"a": 0}})
    client.send("PUT", {"metadata": {"a": 1}})
    return client


def test_every_response_has_the_revision_as_its_entity_tag(client: Client) -> None:
    steps: list[tuple[str, Any, str]] = [
        ("GET", None, '"0"'),
        ("PATCH", {"metadata": {"a": 1}}, '"1"'),
        ("PATCH", {"metadata": {"a": 1}}, '"1"'),
        ("PUT", {"metadata": {"a": 2}}, '"2"'),
        ("GET", None, '"2"'),
        ("DELETE", None, '"3"'),
        ("DELETE", None, '"3"'),
        ("GET", None, '"3"'),
    ]
    for method, body, expected in steps:
        assert client.send(method, body).headers["etag"] == expected


def test_the_revision_keeps_increasing_after_delete(client: Client) -> None:
    client.send("PUT", {"metadata": {"a": 1}})
    client.send("DELETE")
    assert client.send("PUT", {"metadata": {"a": 1}}).headers["etag"] == '"3"'
    assert client.send("PATCH", {"metadata": {"b": 1}}, If_Match='"1"').status_code == 412


def test_the_entity_tag_is_the_revision_of_graphql(written: Client) -> None:
    query = "query ($key: String!) { platformMetadata(platformKey: $key) { revision } }"
    revision = written.caller.ask(query, key=written.key)["platformMetadata"]["revision"]
    assert written.state()[0] == f'"{revision}"'


@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"2-gzip"', '"1", "2"', '"x","2" , W/"9"', "*", ', "2",'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reader_who_has_the_revision_gets_304(written: Client, method: str, tags: str) -> None:
    response = written.send(method, If_None_Match=tags)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"2"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["vary"] == "Authorization"


@pytest.mark.parametrize("tags", ['"1"', 'W/"1"', '"22"', '""', '"1", W/"3"', '"02"', '"1,2"', '"*"'])
def test_a_reader_who_has_another_revision_gets_the_document(written: Client, tags: str) -> None:
    response = written.send("GET", If_None_Match=tags)
    assert (response.status_code, response.json()["metadata"]) == (200, {"a": 1})


def test_a_reader_gets_304_before_any_write_only_for_revision_0(client: Client) -> None:
    assert client.send("GET", If_None_Match='"0"').status_code == 304
    assert client.send("GET", If_None_Match="*").status_code == 200


def test_304_is_not_sent_to_those_who_may_not_read(world: World, written: Client) -> None:
    refused = world.colleague.rest(
        "GET", written.key, username=written.caller.username, headers={"If-None-Match": '"2"'}
    )
    assert refused.status_code == 403
    assert "etag" not in refused.headers


@EACH_WRITE
@pytest.mark.parametrize(
    "tags",
    ['"2"', '"1", "2"', '"1","2","3"', "*", '"a,b", "2"', ', "2" ,', 'W/"2"', '"2-gzip"', 'W/"2--br"'],
)
def test_a_write_with_the_current_revision_succeeds(written: Client, method: str, tags: str) -> None:
    response = written.send(method, WRITES[method], If_Match=tags)
    assert response.is_success
    assert response.headers["etag"] == written.state()[0] == '"3"'


@EACH_WRITE
@pytest.mark.parametrize(
    "tags", ['"1"', '"3"', 'W/"1"', '"1", W/"3"', '""', '"02"', '"1,2"', '"é2"', '"*"', '"1-gzip"', '"2-x"']
)
def test_a_write_with_another_revision_changes_nothing(written: Client, method: str, tags: str) -> None:
    before = written.state()
    response = written.send(method, WRITES[method], If_Match=tags)
    assert response.status_code == 412
    assert response.headers["etag"] == '"2"'
    assert "revision 2" in response.json()["error"]
    assert written.state() == before


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", ["GET", "HEAD", *WRITES])
def test_an_unquoted_tag_is_an_error_that_says_to_quote_it(written: Client, method: str, header: str) -> None:
    """At the current revision and at others: it must not look as if the document had changed."""
    before = written.state()
    for value, quoted in (("2", '"2"'), ("1", '"1"'), ("W/2", '"2"'), ("w/2", '"2"')):
        response = written.send(method, WRITES.get(method), **{header: value})
        assert response.status_code == 400
        assert "etag" not in response.headers
        if method != "HEAD":
            message = f"The header {header} has no quotation marks. Quote the value: {header}: {quoted}."
            assert response.json() == {"error": message}
    assert written.state() == before


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", ["GET", *WRITES])
@pytest.mark.parametrize(
    "value",
    [
        '"2',
        '2"',
        'x"2"',
        'w/"2"',
        'W/ "2"',
        '"2" "3"',
        '"1", 2',
        '"2", *',
        "*, *",
        '"a b"',
        "'2'",
        "“2”",
        "",
        ",",
    ],
)
def test_a_malformed_precondition_is_an_error_and_changes_nothing(
    written: Client, method: str, header: str, value: str
) -> None:
    before = written.state()
    response = written.send_lines(method, WRITES.get(method), [(header, value)])
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert header in response.json()["error"]
    assert written.state() == before


@pytest.mark.parametrize("method", ["GET", *WRITES])
def test_one_malformed_precondition_is_an_error_beside_a_good_one(written: Client, method: str) -> None:
    body = WRITES.get(method)
    for good, bad in (("If-Match", "If-None-Match"), ("If-None-Match", "If-Match")):
        assert written.send(method, body, **{good: '"1"', bad: "2"}).status_code == 400
    two_lines = [("If-Match", '"2"'), ("If-Match", "2")]
    assert written.send_lines(method, body, two_lines).status_code == 400


@EACH_WRITE
def test_a_stale_write_is_refused_even_if_it_would_change_nothing(written: Client, method: str) -> None:
    written.send("DELETE")
    body: Any = None if method == "DELETE" else {"metadata": {}}
    assert written.send(method, body, If_Match='"2"').status_code == 412


@EACH_WRITE
def test_if_match_star_needs_a_document_that_was_written(client: Client, method: str) -> None:
    assert client.send(method, WRITES[method], If_Match="*").status_code == 412
    assert client.state()[0] == '"0"'


def test_if_match_0_creates_only(client: Client) -> None:
    assert client.send("PUT", WRITES["PUT"], If_Match='"0"').status_code == 200
    assert client.send("PUT", WRITES["PUT"], If_Match='"0"').status_code == 412


def test_if_none_match_star_creates_only(client: Client) -> None:
    assert client.send("PUT", {"metadata": {"first": 1}}, If_None_Match="*").status_code == 200
    assert client.send("PUT", {"metadata": {"second": 2}}, If_None_Match="*").status_code == 412
    etag, body = client.state()
    assert (etag, body["metadata"]) == ('"1"', {"first": 1})


@EACH_WRITE
@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"1", "2"', "*"])
def test_if_none_match_rejects_a_write_to_that_revision(written: Client, method: str, tags: str) -> None:
    before = written.state()
    assert written.send(method, WRITES[method], If_None_Match=tags).status_code == 412
    assert written.state() == before


@EACH_WRITE
def test_if_none_match_allows_a_write_to_any_other_revision(written: Client, method: str) -> None:
    assert written.send(method, WRITES[method], If_None_Match='"1", W/"3"').is_success


def test_both_preconditions_must_hold(written: Client) -> None:
    put = WRITES["PUT"]
    assert written.send("PUT", put, If_Match='"2"', If_None_Match='"2"').status_code == 412
    assert written.send("PUT", put, If_Match='"1"', If_None_Match='"1"').status_code == 412
    assert written.send("PUT", put, If_Match='"2"', If_None_Match='"1"').status_code == 200


def test_if_match_is_evaluated_before_if_none_match(written: Client) -> None:
    """RFC 9110, section 13.2.2."""
    assert written.send("GET", If_Match='"1"', If_None_Match='"2"').status_code == 412
    assert written.send("GET", If_Match='"2"', If_None_Match='"2"').status_code == 304
    assert written.send("GET", If_Match='"2"', If_None_Match='"1"').status_code == 200


def test_a_read_with_if_match_of_another_revision_is_412(written: Client) -> None:
    assert written.send("GET", If_Match='"1"').status_code == 412
    assert written.send("GET", If_Match='"2"').status_code == 200


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_list_may_have_several_header_lines(written: Client, method: str) -> None:
    """RFC 9110, section 5.3: the lines mean the same as one line with commas between them."""
    name = "If-None-Match" if method == "GET" else "If-Match"
    response = written.send_lines(method, WRITES.get(method), [(name, '"1"'), (name, '"2"')])
    assert response.status_code == (304 if method == "GET" else 200)


@EACH_WRITE
def test_two_idempotency_keys_are_an_error_even_if_they_are_equal(written: Client, method: str) -> None:
    response = written.send_lines(
        method, WRITES[method], [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    )
    message = "The request has more than one Idempotency-Key header."
    assert (response.status_code, response.json()) == (400, {"idempotency_key": [message]})
    assert written.state()[0] == '"2"'


def test_other_errors_come_before_the_precondition(world: World, written: Client) -> None:
    stale = {"If-Match": '"1"'}
    other = world.member.username
    put = WRITES["PUT"]
    assert world.member.rest("PUT", "unknown", put, headers=stale).status_code == 404
    assert world.colleague.rest("PUT", written.key, put, username=other, headers=stale).status_code == 403
    assert written.send("PATCH", {}, If_Match='"1"').status_code == 400
    malformed = {"If-Match": "1"}
    assert world.member.rest("PUT", "unknown", put, headers=malformed).status_code == 404
    assert world.colleague.rest("PUT", written.key, put, username=other, headers=malformed).status_code == 403


def test_one_of_many_concurrent_creations_succeeds(client: Client) -> None:
    def create(number: int) -> int:
        return client.send("PUT", {"metadata": {"winner": number}}, If_None_Match="*").status_code

    with ThreadPoolExecutor(8) as racers:
        responses = list(racers.map(create, range(16)))
    assert sorted(responses) == [200] + [412] * 15
    etag, body = client.state()
    assert (etag, body["metadata"]) == ('"1"', {"winner": responses.index(200)})
