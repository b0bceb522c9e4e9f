"""GraphQL over HTTP: methods, media types, status codes, and requests forged by other websites."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.support.service import Service
from tests.support.world import World

GETS = pytest.mark.parametrize("method", ["GET", "HEAD"])
NEW, OLD = "application/graphql-response+json", "application/json"
TYPENAME = {"data": {"__typename": "Query"}}
NAMED = "query A { a: __typename } query B { b: __typename } mutation M { __typename }"


def post(service: Service, body: Any, accept: str | None = NEW, **headers: str) -> httpx.Response:
    if accept is not None:
        headers["Accept"] = accept
    return service.client.post("/graphql", json=body, headers=headers)


def get(service: Service, accept: str = NEW, **parameters: str) -> httpx.Response:
    return service.client.get("/graphql", params=parameters, headers={"Accept": accept})


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (NEW, NEW),
        (OLD, OLD),
        ("*/*", OLD),
        ("application/*", OLD),
        ("*/*;q=0.1, application/*", OLD),
        (f"{OLD};q=0, */*", NEW),
        (f"{OLD};q=0.5, */*", NEW),
        (f"{NEW}, */*", NEW),
        (f"*/*, {NEW}", NEW),
        ("", NEW),
        (f"{NEW}, {OLD}", NEW),
        (f"{OLD}, {NEW}", NEW),
        (f"{OLD};q=0.9, {NEW};q=0.8", OLD),
        (f"{NEW}; q=0.1, {OLD}; q=0.2, */*", OLD),
        (f"{NEW};q=0, */*", OLD),
        (f"{NEW};q=0, application/*;q=0.5", OLD),
        (f"text/html, {OLD};q=0.1", OLD),
        ("text/html, */*;q=0.1", OLD),
        ("APPLICATION/JSON", OLD),
        (f"{OLD}; charset=utf-8", OLD),
        (f"{OLD} ; q=1.0", OLD),
    ],
)
def test_the_media_type_is_the_one_accepted(service: Service, accept: str, media_type: str) -> None:
    for response in (
        post(service, {"query": "{ __typename }"}, accept),
        get(service, accept, query="{ __typename }"),
    ):
        assert response.status_code == 200
        assert response.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert response.json() == TYPENAME


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
@pytest.mark.parametrize(
    ("lines", "media_type"),
    [(("text/html", OLD), OLD), ((f"{NEW};q=0.1", OLD), OLD), ((OLD, NEW), NEW), (("", OLD), OLD)],
)
def test_lines_of_accept_are_one_list(
    service: Service, path: str, lines: tuple[str, str], media_type: str
) -> None:
    """Proxies may split a list into lines (RFC 9110, section 5.3)."""
    headers = [("Accept", line) for line in lines]
    for method in ("POST", "GET"):
        request = service.client.build_request(method, path, json={"query": "{ __typename }"})
        request.url = request.url if method == "POST" else request.url.copy_with(query=b"query={__typename}")
        del request.headers["Accept"]
        request.headers = httpx.Headers([*request.headers.multi_items(), *headers])
        response = service.client.send(request)
        assert response.json() == TYPENAME
        assert response.headers["Content-Type"].startswith(media_type)


def test_without_accept_the_media_type_is_the_new_one(service: Service) -> None:
    request = service.client.build_request("POST", "/graphql", json={"query": "{ __typename }"})
    del request.headers["Accept"]
    assert service.client.send(request).headers["Content-Type"].startswith(NEW)


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", f"{NEW};q=0", f"{NEW};q=0, {OLD};q=0", "*/*;q=0", "json"]
)
def test_an_unacceptable_media_type_is_406(service: Service, accept: str) -> None:
    response = post(service, {"query": "{ __typename }"}, accept)
    assert response.status_code == 406
    assert response.headers["Content-Type"].startswith(OLD)
    assert codes(response) == ["NOT_ACCEPTABLE"]


REQUEST_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ a: 1 }"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "é"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": '{ node(id: "\\ud800") { id } }'}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{" + "a: __typename " * 334 + "}"}, "LIMIT_EXCEEDED"),
    ({"query": "{ unknown }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "{ me }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "fragment F on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "subscription { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "type Query { a: Int }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "{ user(by: {}) { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": '{ user(by: {userId: "a", username: "b"}) { id } }'}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "{ user(by: {userId: null}) { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "query ($b: UserBy!) { user(by: $b) { id } }", "variables": {"b": {}}}, "BAD_USER_INPUT"),
    ({"query": "query ($i: ID!) { node(id: $i) { id } }"}, "BAD_USER_INPUT"),
    ({"query": "query ($i: ID!) { node(id: $i) { id } }", "variables": {"i": None}}, "BAD_USER_INPUT"),
    ({"query": "query ($i: ID!) { node(id: $i) { id } }", "variables": {"i": [1]}}, "BAD_USER_INPUT"),
    ({"query": NAMED}, "BAD_USER_INPUT"),
    ({"query": NAMED, "operationName": "C"}, "BAD_USER_INPUT"),
    ({"query": NAMED, "operationName": ""}, "BAD_USER_INPUT"),
    ({"query": "{ __typename }", "operationName": "A"}, "BAD_USER_INPUT"),
]


@pytest.mark.parametrize(("body", "code"), REQUEST_ERRORS, ids=lambda part: str(part)[:60])
def test_an_invalid_document_has_no_data(service: Service, body: dict[str, Any], code: str) -> None:
    for accept, answered, status in (
        (NEW, NEW, 400),
        (OLD, OLD, 200),
        ("*/*", OLD, 200),
        ("application/*", OLD, 200),
    ):
        response = post(service, body, accept)
        assert codes(response) == [code]
        assert list(response.json()) == ["errors"]
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith(answered)


WRONG: dict[str, list[Any]] = {
    "query": [None, 1, False, [], {}, "", " \n"],
    "operationName": [1, 0, False, [], {}],
    "variables": ["x", "", 1, 0, False, []],
    "extensions": ["x", "", 1, 0, False, [], [1]],
}
BAD_PARAMETERS: list[Any] = [
    *([], "x", 1, {}, [{"query": "{ __typename }"}]),
    *({"query": "{ __typename }", name: value} for name, values in WRONG.items() for value in values),
]


@pytest.mark.parametrize("body", BAD_PARAMETERS, ids=repr)
def test_parameters_of_the_wrong_type_are_400_in_either_media_type(service: Service, body: Any) -> None:
    for accept in (NEW, OLD):
        response = post(service, body, accept)
        assert response.status_code == 400
        assert codes(response) == ["BAD_USER_INPUT"]
        assert "data" not in response.json()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"query=%7B__typename%7D", b"null", b"[" * 60_000, b'{"query":"\\ud800"}'],
)
def test_a_body_that_is_not_json_is_400(service: Service, body: bytes) -> None:
    for accept in (NEW, OLD):
        headers = {"Content-Type": OLD, "Accept": accept}
        response = service.client.post("/graphql", content=body, headers=headers)
        assert response.status_code == 400
        assert codes(response) == ["BAD_USER_INPUT"]


def test_a_body_too_large_is_413(service: Service) -> None:
    body = {"query": "{ __typename }", "variables": {"a": "x" * 2**20}}
    assert post(service, body).status_code == 413
    assert codes(post(service, body)) == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("optional", ["operationName", "variables", "extensions"])
def test_null_parameters_count_as_absent(service: Service, optional: str) -> None:
    assert post(service, {"query": "{ __typename }", optional: None}).json() == TYPENAME


def test_extensions_and_unknown_parameters_are_ignored(service: Service) -> None:
    body = {"query": "{ __typename }", "extensions": {"a": [1]}, "id": 7, "variables": {"unused": 1}}
    assert post(service, body).json() == TYPENAME


def test_the_operation_of_the_requested_name_is_executed(service: Service) -> None:
    assert post(service, {"query": NAMED, "operationName": "B"}).json() == {"data": {"b": "Query"}}
    assert post(service, {"query": NAMED, "operationName": "M"}).json()["data"] == {"__typename": "Mutation"}
    assert get(service, query=NAMED, operationName="A").json() == {"data": {"a": "Query"}}


def test_a_query_with_variables_can_be_sent_by_get(service: Service) -> None:
    query = "query ($n: String!) { __type(name: $n) { name } }"
    body = {"data": {"__type": {"name": "User"}}}
    assert get(service, query=query, variables='{"n": "User"}', extensions="{}").json() == body
    assert get(service, query=query, variables='{"n": "User"}', accept=OLD).json() == body
    for parameters in ({"variables": "{"}, {"variables": "[]"}, {"variables": "7"}, {"extensions": "["}):
        assert get(service, query=query, **parameters).status_code == 400
    assert get(service, query="").status_code == 400
    assert get(service).status_code == 400


@GETS
def test_unknown_parameters_of_get_are_ignored(service: Service, method: str) -> None:
    """The specification of GraphQL over HTTP demands it, for clients of later versions."""
    parameters = [("query", "{ __typename }"), ("Query", "{ x }"), ("_", "1"), ("_", "2"), ("", "")]
    assert service.client.request(method, "/graphql", params=urlencode(parameters)).status_code == 200


@GETS
@pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions", "documentId"])
def test_a_repeated_parameter_of_get_is_400(service: Service, method: str, name: str) -> None:
    """Programs on the way to the service may go by another of its values."""
    values = {"query": "{ __typename }", "variables": "{}", "extensions": "{}"}
    parameters = [*values.items(), (name, values.get(name, "")), (name, values.get(name, ""))]
    response = service.client.request(method, "/graphql", params=urlencode(parameters))
    assert response.status_code == 400
    if method == "GET":
        [error] = response.json()["errors"]
        assert error["message"] == f"The query parameter '{name}' is repeated. Send it once."


@GETS
def test_a_mutation_by_get_is_405_and_not_executed(world: World, method: str) -> None:
    mutation = """mutation M { patchPlatformMetadata(input: {metadata: {a: 1}}) { deletedKeys } }
      query Q { a: __typename }"""
    response = world.service.client.request(
        method,
        "/graphql",
        params={"query": mutation, "operationName": "M"},
        headers={"Authorization": f"Bearer {world.member.token}"},
    )
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert world.member.ask("{ me { userMetadata { revision } } }")["me"]["userMetadata"] == {"revision": 0}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405(service: Service, method: str) -> None:
    for path, allowed in {
        "/graphql": {"GET", "HEAD", "POST"},
        "/health/live": {"GET", "HEAD"},
        "/health/ready": {"GET", "HEAD"},
    }.items():
        response = service.client.request(method, path)
        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == allowed
        assert "detail" in response.json() or response.json()["errors"]


SIMPLE = [
    None,
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
]
PREFLIGHTS = ["GraphQL-Preflight", "X-Requested-With", "Apollo-Require-Preflight"]


def send(service: Service, content_type: str | None, *preflights: str) -> httpx.Response:
    headers = dict.fromkeys(preflights, "1")
    if content_type is not None:
        headers["Content-Type"] = content_type
    return service.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)


@pytest.mark.parametrize("content_type", SIMPLE)
def test_requests_that_need_no_preflight_are_rejected(service: Service, content_type: str | None) -> None:
    response = send(service, content_type)
    assert response.status_code == 415
    assert codes(response) == ["UNSUPPORTED_MEDIA_TYPE"]
    for preflight in PREFLIGHTS:
        assert send(service, content_type, preflight).json() == TYPENAME


@pytest.mark.parametrize(
    "content_type", ["application/graphql", "application/xml", "application/jsonp", "json", "*/*"]
)
def test_other_content_types_are_415_in_any_case(service: Service, content_type: str) -> None:
    assert send(service, content_type).status_code == 415
    assert send(service, content_type, *PREFLIGHTS).status_code == 415


@pytest.mark.parametrize("content_type", [OLD, f"{OLD}; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_json_is_accepted_with_parameters(service: Service, content_type: str) -> None:
    assert send(service, content_type).json() == TYPENAME


def test_partial_data_is_200_with_the_path_of_each_error(world: World) -> None:
    query = "query ($n: String!) { me { username } other: user(by: {username: $n}) { username email } }"
    body = {"query": query, "variables": {"n": world.member.username}}
    response = post(world.service, body, Authorization=f"Bearer {world.colleague.token}")
    assert response.status_code == 200
    assert response.json()["data"] == {
        "me": {"username": world.colleague.username},
        "other": {"username": world.member.username, "email": None},
    }
    [error] = response.json()["errors"]
    assert error["path"] == ["other", "email"]
    assert error["locations"] == [{"line": 1, "column": 82}]
    assert error["extensions"] == {"code": "FORBIDDEN"}


def test_no_response_is_cached(world: World) -> None:
    for response in (
        post(world.service, {"query": "{ __typename }"}),
        post(world.service, {"query": "{"}),
        post(world.service, {"query": "{ me { id } }"}, Authorization="Bearer wrong"),
        post(world.service, {"query": "{ me { id } }"}, Authorization=f"Bearer {world.member.token}"),
        get(world.service, query="{ __typename }"),
        get(world.service, query="mutation { __typename }"),
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert {"Accept", "Authorization"} <= set(response.headers["Vary"].split(", "))
