"""Bodies in other charsets or compressed: refused with a message that names what is not supported."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest

from tests.support.world import REST, World

QUERY = json.dumps({"query": "{ __typename }"})
PATCH = json.dumps({"metadata": {"a": "é"}}, ensure_ascii=False)


def post(world: World, content: bytes, **headers: str) -> httpx.Response:
    return world.service.client.post(
        "/graphql", content=content, headers={"Content-Type": "application/json"} | headers
    )


def rest(world: World, method: str, content: bytes, **headers: str) -> httpx.Response:
    return world.service.client.request(
        method,
        REST,
        params={"platform_key": world.platform_key},
        content=content,
        headers={"Authorization": f"Token {world.member.token}", "Content-Type": "application/json"}
        | headers,
    )


def message(response: httpx.Response) -> str:
    """The message of a 415, in the form of REST or GraphQL."""
    assert response.status_code == 415
    body: Any = response.json()
    if "errors" not in body:
        assert list(body) == ["detail"]
        return str(body["detail"])
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    return str(error["message"])


def test_lines_of_content_encoding_are_one_list(world: World) -> None:
    lines = [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]
    headers = [("Content-Type", "application/json"), *lines]
    response = world.service.client.post("/graphql", content=gzip.compress(QUERY.encode()), headers=headers)
    assert message(response) == (
        "The content encoding 'identity, gzip' is not supported. Send the body uncompressed."
    )


@pytest.mark.parametrize(
    "charset", ["utf-16", "UTF-16LE", "utf-32", "iso-8859-1", "windows-1252", "nonsense"]
)
@pytest.mark.parametrize("form", ["application/json; charset={}", 'Application/JSON;x=y;CHARSET="{}"'])
def test_another_charset_is_named(world: World, charset: str, form: str) -> None:
    headers = {"Content-Type": form.format(charset)}
    encoding = "utf-8" if charset == "nonsense" else charset
    expected = f"The charset '{charset.lower()}' is not supported. Use UTF-8."
    assert message(post(world, QUERY.encode(encoding), **headers)) == expected
    for method in ("PATCH", "PUT"):
        response = rest(world, method, PATCH.encode(encoding), **headers)
        assert message(response) == expected
        assert "Accept-Encoding" not in response.headers


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON ; Charset = Utf-8",
    ],
)
def test_utf_8_may_be_named_in_any_form(world: World, content_type: str) -> None:
    assert post(world, QUERY.encode(), **{"Content-Type": content_type}).status_code == 200
    response = rest(world, "PATCH", PATCH.encode(), **{"Content-Type": content_type})
    assert response.json()["metadata"] == {"a": "é"}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "nonsense"])
def test_a_compressed_body_is_refused_and_its_encoding_named(world: World, encoding: str) -> None:
    compress = zlib.compress if encoding == "deflate" else gzip.compress
    expected = f"The content encoding '{encoding}' is not supported. Send the body uncompressed."
    responses = [post(world, compress(QUERY.encode()), **{"Content-Encoding": encoding})]
    for method in ("PATCH", "PUT"):
        responses.append(rest(world, method, compress(PATCH.encode()), **{"Content-Encoding": encoding}))
    for response in responses:
        assert message(response) == expected
        assert response.headers["Accept-Encoding"] == "identity"


def test_identity_is_no_compression(world: World) -> None:
    headers = {"Content-Encoding": "Identity"}
    assert post(world, QUERY.encode(), **headers).status_code == 200
    assert rest(world, "PATCH", PATCH.encode(), **headers).status_code == 200


@pytest.mark.parametrize("name", ["variables", "extensions", "operationName"])
def test_a_parameter_without_a_value_is_as_if_absent(world: World, name: str) -> None:
    for query in ("{ __typename }", "query A { __typename }"):
        response = world.service.client.get("/graphql", params={"query": query, name: ""})
        assert response.json() == {"data": {"__typename": "Query"}}


def test_a_query_without_a_value_is_as_if_absent(world: World) -> None:
    client = world.service.client
    absent, empty = client.get("/graphql"), client.get("/graphql?query=")
    assert (absent.status_code, absent.json()) == (empty.status_code, empty.json()) == (400, absent.json())
    page = client.get("/graphql?query=&variables=", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
