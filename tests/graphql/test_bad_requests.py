"""Requests that are invalid whatever their content: bytes, sizes, types, methods, and broken HTTP."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql.test_bad_json import MIB, RawClient, verdict
from tests.support.http_clients import PATIENCE
from tests.support.service import Service, serving
from tests.support.world import REST, World

QUERY = "{ me { username } }"
QUERY_BODY = json.dumps({"query": QUERY}).encode()
PATCH_BODY = b'{"metadata": {"a": 1}}'
LARGEST, TOO_LARGE = MIB, MIB + 1
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n",
    "no JSON": b"metadata=1",
    "single quotes": b"{'metadata': {}}",
    "cut off": b'{"metadata": {"a": 1}',
    "two documents": b'{"metadata": {}} {}',
    "a comment": b'{"metadata": {}} // comment',
    "a byte order mark": b"\xef\xbb\xbf" + PATCH_BODY,
    "UTF-16": '{"metadata": {}}'.encode("utf-16"),
    "Latin-1": b'{"metadata": {"a": "\xe9"}}',
    "an encoded surrogate": b'{"metadata": {"a": "\xed\xa0\x80"}}',
    "overlong UTF-8": b'{"metadata": {"a": "\xc0\x80"}}',
    "a NUL": b'{"metadata": {}}\0',
    "gzip": b"\x1f\x8b\x08\x00",
    "duplicate fields": b'{"metadata": {"a": 1}, "metadata": {}, "query": "{ me { id } }"}',
    "duplicate queries": b'{"query": "{ me { id } }", "query": "{ me { id } }"}',
}
NO_OBJECT: list[bytes] = [b"1", b"-1.5", b'"x"', b"true", b"null", b"[]", b"[{}]", b"[" + QUERY_BODY + b"]"]
MALFORMED_HTTP: dict[str, bytes] = {
    "garbage": b"\0\1\2\3\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version nobody knows": b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n",
    "a method nobody knows": b"METADATA /graphql HTTP/1.1\r\nHost: x\r\n\r\n",
    "a relative path": b"GET graphql HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in a header": b"GET /graphql HTTP/1.1\r\nHost: x\r\nIf-Match: \0\r\n\r\n",
    "a NUL in the path": b"GET /graphql?query=\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a negative length": b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    "a length in words": b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}",
    "a length of 5,000 digits": b"POST /graphql HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "two lengths": b"POST /graphql HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": b"POST /graphql HTTP/1.1\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks without length": b"POST /graphql HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: `client` resets the document."""
    return World(service)


@pytest.fixture
def client(world: World) -> RawClient:
    return RawClient(world)


@pytest.fixture
def unchanged(client: RawClient) -> Iterator[None]:
    """The document is the same after the test as before."""
    before = client.state()
    yield
    assert client.state() == before


def padded(body: bytes, size: int) -> bytes:
    return body + b" " * (size - len(body))


def converse(service: Service, request: bytes, *, hang_up: bool = False) -> bytes:
    """The server's response to raw bytes, until it closes the connection or the response is complete."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return b"" if hang_up else connection.recv(65536)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused(client: RawClient, content: bytes) -> None:
    for method in ("PATCH", "PUT"):
        response = client.rest(method, content)
        assert (response.status_code, list(response.json())) == (400, ["detail"])
    response = client.graphql(content)
    assert (response.status_code, verdict(response)[0]) == (400, "BAD_USER_INPUT")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("content", NO_OBJECT)
def test_a_body_that_is_not_an_object_is_refused(client: RawClient, content: bytes) -> None:
    for method in ("PATCH", "PUT"):
        assert client.rest(method, content).json() == {
            "non_field_errors": ["The body must be a JSON object."]
        }
    response = client.graphql(content)
    assert (response.status_code, verdict(response)[0]) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("query", [1, True, None, [], {}, "", " \n", [QUERY]]),
        ("operationName", [1, True, [], {}]),
        ("variables", ["{}", "", "x", [], [1], 1, 0, True, False]),
        ("extensions", ["{}", "", "x", [], [1], 1, 0, True, False]),
    ],
)
def test_a_parameter_of_graphql_of_the_wrong_type_is_refused(
    client: RawClient, field: str, values: list[Any]
) -> None:
    for value in values:
        response = client.graphql(json.dumps({"query": QUERY, field: value}).encode())
        assert (response.status_code, verdict(response)[0]) == (400, "BAD_USER_INPUT"), value
        assert f"`{field}`" in verdict(response)[1]


@pytest.mark.parametrize("parameters", ["variables={", "variables=[]", "variables=%ff", "variables=%00",
                                        "variables=" + "[" * 9000, "extensions=1", "query=", "query=%20",
                                        'variables={"a":1,"a":2}', 'variables={"a":"%5Cud800"}'])  # fmt: skip
def test_a_bad_parameter_in_the_query_string_is_refused(client: RawClient, parameters: str) -> None:
    response = client.caller.service.client.get(
        f"/graphql?query={QUERY}&{parameters}", headers={"Authorization": f"Bearer {client.caller.token}"}
    )
    assert (response.status_code, verdict(response)[0]) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("query", ["%00", "%ff", "\\u0000", "{", "mutation"])
def test_a_bad_document_in_the_query_string_is_refused(client: RawClient, query: str) -> None:
    response = client.caller.service.client.get(
        f"/graphql?query={query}", headers={"Accept": "application/graphql-response+json"}
    )
    assert (response.status_code, verdict(response)[0]) == (400, "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_body_of_1_mib_is_read_and_one_byte_more_is_not(client: RawClient, chunked: bool) -> None:
    def body(content: bytes, size: int) -> Any:
        text = padded(content, size)
        return (text[at : at + 65536] for at in range(0, size, 65536)) if chunked else text

    for method in ("PATCH", "PUT"):
        assert client.rest(method, body(PATCH_BODY, LARGEST)).status_code == 200
    assert client.graphql(body(QUERY_BODY, LARGEST)).status_code == 200
    before = client.state()
    for method in ("PATCH", "PUT"):
        refused = client.rest(method, body(b'{"metadata": {"a": 2}}', TOO_LARGE))
        message = "The request body is larger than 1048576 bytes, the limit (GQL_SERVICE_MAX_BODY_SIZE)."
        assert (refused.status_code, refused.json()) == (413, {"error": message})
    refused = client.graphql(body(QUERY_BODY, TOO_LARGE))
    assert (refused.status_code, verdict(refused)) == (413, ("LIMIT_EXCEEDED", message))
    assert client.state() == before


@pytest.mark.parametrize("length", [TOO_LARGE, 10**10, 10**18])
def test_a_body_with_a_too_large_content_length_is_refused_at_once(client: RawClient, length: int) -> None:
    head = (
        f"PATCH {REST}?platform_key={client.key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Token {client.caller.token}\r\nContent-Length: {length}\r\n\r\n{{"
    )
    assert converse(client.caller.service, head.encode()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/json", "application/xml", "application/jsonx", "application/graphql",
     "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "*/*", "json", ";", "é"],
)  # fmt: skip
def test_another_content_type_is_415(client: RawClient, content_type: str) -> None:
    sent = {"Content-Type": content_type.encode("latin-1")}
    for method in ("PATCH", "PUT"):
        response = client.rest(method, PATCH_BODY, **sent)  # type: ignore[arg-type] # bytes pass unencoded
        assert (response.status_code, list(response.json())) == (415, ["detail"])
    response = client.graphql(QUERY_BODY, **sent)  # type: ignore[arg-type] # bytes pass unencoded
    assert (response.status_code, verdict(response)[0]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json;charset=utf-8", "Application/JSON ; x=y"])
def test_the_parameters_and_case_of_a_content_type_do_not_matter(
    client: RawClient, content_type: str
) -> None:
    assert client.rest("PATCH", PATCH_BODY, Content_Type=content_type).status_code == 200
    assert client.graphql(QUERY_BODY, Content_Type=content_type).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "application/json;q=x", ",,,", ";;;", "é"])
def test_an_accept_header_without_a_supported_media_type_is_406(client: RawClient, accept: str) -> None:
    response = client.graphql(QUERY_BODY, Accept=accept.encode("latin-1"))  # type: ignore[arg-type] # bytes
    assert (response.status_code, verdict(response)[0]) == (406, "NOT_ACCEPTABLE")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_graphql_accepts_only_get_and_post(client: RawClient, method: str) -> None:
    response = client.caller.service.client.request(method, "/graphql")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.usefixtures("unchanged")
def test_a_mutation_by_get_is_405(client: RawClient) -> None:
    mutation = (
        f'mutation {{ clearPlatformMetadata(input: {{platformKey: "{client.key}"}}) {{ __typename }} }}'
    )
    response = client.caller.service.client.get(
        "/graphql", params={"query": mutation}, headers={"Authorization": f"Bearer {client.caller.token}"}
    )
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "value",
    ["%00", "a%00", "%ff", "%ed%a0%80", "%", "%zz", "%0a", "%5Cud800", "'%20OR%201=1", "x" * 60_000],
)
def test_odd_query_parameters_find_nothing(world: World, value: str) -> None:
    client, admin = world.service.client, {"Authorization": f"Token {world.admin.token}"}
    platform = client.get(f"{REST}?platform_key={value}", headers=admin)
    assert (platform.status_code, platform.json()) == (404, {"error": "Platform not found"})
    user = client.get(f"{REST}?platform_key={world.platform_key}&username={value}", headers=admin)
    assert (user.status_code, user.json()) == (404, {"error": "User not found"})


@pytest.mark.parametrize(
    "header", ["Bearer", "Token \xff", "Bearer upm_\xb2_x_y", "Bearer " + "x" * 20_000, "\xff"]
)
def test_an_odd_authorization_is_401(client: RawClient, header: str) -> None:
    custom_headers: Any = {"Authorization": header.encode("latin-1")}
    assert client.rest("GET", None, **custom_headers).status_code == 401
    assert verdict(client.graphql(QUERY_BODY, **custom_headers))[0] == "UNAUTHENTICATED"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("tags", ['""', '"\xbd"', '"-1"', '"' + "9" * 9000 + '"'])
def test_an_odd_entity_tag_matches_nothing(client: RawClient, tags: str) -> None:
    custom_headers: Any = {"If-Match": tags.encode("latin-1")}
    assert client.rest("PATCH", b'{"metadata": {"b": 1}}', **custom_headers).status_code == 412
    assert client.rest("GET", None, **{"If-None-Match": custom_headers["If-Match"]}).status_code == 200


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "tags", ['"', '"1', ",,,", "\xff", '"1""2"', '"' + "9" * 9000, "9" * 9000, '"1"' + ", " * 4000 + "x"]
)
def test_what_is_not_an_entity_tag_is_400(client: RawClient, tags: str) -> None:
    custom_headers: Any = {"If-Match": tags.encode("latin-1")}
    assert client.rest("PATCH", b'{"metadata": {"b": 1}}', **custom_headers).status_code == 400
    assert client.rest("GET", None, **{"If-None-Match": custom_headers["If-Match"]}).status_code == 400


@pytest.mark.parametrize("request_", MALFORMED_HTTP.values(), ids=MALFORMED_HTTP)
def test_malformed_http_is_400_and_the_service_keeps_running(service: Service, request_: bytes) -> None:
    assert converse(service, request_).startswith(b"HTTP/1.1 400 ")
    assert service.client.get("/health/ready").status_code == 200


@pytest.mark.usefixtures("unchanged")
def test_a_client_that_disconnects_during_a_request_changes_nothing(client: RawClient) -> None:
    head = (
        f"PATCH {REST}?platform_key={client.key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Token {client.caller.token}\r\n"
    )
    service = client.caller.service
    converse(service, f"{head}Content-Length: 99\r\n\r\n".encode() + PATCH_BODY, hang_up=True)
    converse(service, f"{head}Transfer-Encoding: chunked\r\n\r\n16\r\n".encode() + PATCH_BODY, hang_up=True)
    assert service.client.get("/health/ready").status_code == 200


def test_a_body_that_never_ends_times_out(fresh_database_url: str) -> None:
    with (
        serving(fresh_database_url) as patient,
        serving(fresh_database_url, request_timeout=1) as hasty,
    ):
        client = RawClient(World(patient))
        for method, path in (("PATCH", f"{REST}?platform_key={client.key}"), ("POST", "/graphql")):
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Authorization: Token {client.caller.token}\r\nContent-Length: 99\r\n\r\n"
            )
            assert converse(hasty, head.encode() + PATCH_BODY)[:13] in (b"HTTP/1.1 408 ", b"HTTP/1.1 503 ")
        assert client.state()[1]["metadata"] == {"kept": 1}
