"""Authentication by access token in GraphQL and REST, and what is stored of a token."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gql_service.auth import tokens
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.users import access_tokens
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.service import Service
from tests.support.world import REST, Caller, World

MESSAGE = "Authentication credentials were not provided."
INVALID = "The access token is not valid."
EXPIRED = "The access token has expired."
REVOKED = "The access token was revoked."
YEAR = 365 * 24 * 3600 * 1000
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def graphql(
    service: Service, header: str | bytes | None, query: str = "{ me { username } }"
) -> httpx.Response:
    headers = [] if header is None else [("Authorization", header)]
    return service.client.post("/graphql", json={"query": query}, headers=headers)  # type: ignore[arg-type]


def rest(world: World, header: str | bytes | None) -> httpx.Response:
    headers = [] if header is None else [("Authorization", header)]
    return world.service.client.get(
        REST,
        params={"platform_key": world.platform_key},
        headers=headers,  # type: ignore[arg-type]
    )


def assert_accepted(world: World, header: str) -> None:
    assert graphql(world.service, header).json() == {"data": {"me": {"username": world.member.username}}}
    assert rest(world, header).json()["username"] == world.member.username


def assert_refused(world: World, header: str | bytes, message: str = INVALID) -> None:
    """GraphQL says why; REST has the message of its contract, and says why in a header."""
    by_graphql, by_rest = graphql(world.service, header), rest(world, header)
    assert by_graphql.status_code == by_rest.status_code == 401
    error = {"message": message, "extensions": {"code": "UNAUTHENTICATED"}}
    assert by_graphql.json() == {"errors": [error]}
    assert by_rest.json() == {"detail": MESSAGE}
    reason = "" if message == MESSAGE else f' error="invalid_token", error_description="{message}"'
    assert by_graphql.headers["WWW-Authenticate"] == f"Bearer{reason}"
    assert by_rest.headers["WWW-Authenticate"] == f"Token{reason}"


def issue(caller: Caller, expires_at: int | None = None) -> tokens.Token:
    now = caller.service.services.clock()
    return caller.service.write(
        lambda tx: access_tokens.issue(tx, caller.id, label="another", now=now, expires_at=expires_at)
    )


@contextmanager
def later(service: Service, milliseconds: int) -> Iterator[None]:
    service.clock_offset += milliseconds
    try:
        yield
    finally:
        service.clock_offset -= milliseconds


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER", "bEaReR"])
def test_both_schemes_are_accepted_in_any_case(world: World, scheme: str) -> None:
    assert_accepted(world, f"{scheme} {world.member.token}")


def test_several_spaces_after_the_scheme_are_one_separator(world: World) -> None:
    assert_accepted(world, f"Bearer   {world.member.token}")  # RFC 9110, section 11.4: 1*SP


def test_a_token_has_a_prefix_that_scanners_can_find(world: World) -> None:
    prefix, id, secret, checksum = world.member.token.split("_")
    assert prefix == "upm"
    assert [len(part) for part in (id, secret, checksum)] == [16, 43, 6]
    assert set(id + secret + checksum) <= set(ALPHANUMERIC)
    assert str(tokens.Token(id, secret)) == world.member.token


def test_tokens_are_unique(world: World) -> None:
    issued = [issue(world.member) for _ in range(20)]
    assert len({token.id for token in issued}) == len({token.secret for token in issued}) == 20
    assert_accepted(world, f"Token {issued[0]}")


@pytest.mark.parametrize("position", [4, 21, 30, -1])
def test_a_mistyped_character_is_refused(world: World, position: int) -> None:
    text = list(world.member.token)
    text[position] = "a" if text[position] != "a" else "b"
    assert_refused(world, "Bearer " + "".join(text))


def test_a_mistyped_token_costs_no_statement(world: World) -> None:
    with world.service.statements() as statements:
        assert_refused(world, f"Bearer {world.member.token[:-1]}-")
    assert statements == []


def test_a_wrong_secret_with_a_valid_checksum_is_refused(world: World) -> None:
    own = tokens.parse(world.member.token)
    assert own is not None
    assert_refused(world, f"Token {tokens.Token(own.id, tokens.generate().secret)}")


def test_callers_of_one_batch_are_told_apart_by_their_secrets(world: World) -> None:
    own = tokens.parse(world.member.token)
    assert own is not None
    wrong = tokens.Token(own.id, tokens.generate().secret)
    right, refused, again = world.service.write(
        lambda tx: access_tokens.principals(tx, [own, wrong, own], Policy(), world.service.services.clock())
    )
    assert right == again
    assert isinstance(right, Principal)
    assert right.user_id == world.member.id
    assert refused is access_tokens.TokenRefusal.UNKNOWN


def test_the_secret_of_another_token_is_refused(world: World) -> None:
    own, admins = tokens.parse(world.member.token), tokens.parse(world.admin.token)
    assert own is not None
    assert admins is not None
    assert_refused(world, f"Token {tokens.Token(admins.id, own.secret)}")


def test_an_unknown_id_is_refused(world: World) -> None:
    own = tokens.parse(world.member.token)
    assert own is not None
    assert_refused(world, f"Token {tokens.Token(tokens.generate().id, own.secret)}")
    assert_refused(world, f"Token {tokens.generate()}")


def test_an_expired_token_is_refused(world: World) -> None:
    token = issue(world.member, expires_at=world.service.services.clock() + YEAR)
    assert_accepted(world, f"Token {token}")
    with later(world.service, YEAR):
        assert_refused(world, f"Token {token}", EXPIRED)
        assert_refused(world, f"Token {tokens.Token(token.id, tokens.generate().secret)}", INVALID)
        assert_accepted(world, f"Token {world.member.token}")  # it has no end
    assert_accepted(world, f"Token {token}")


def test_a_revoked_token_is_refused_at_once_and_others_still_work(world: World) -> None:
    token, other, now = issue(world.member), issue(world.member), world.service.services.clock()
    assert_accepted(world, f"Token {token}")
    world.service.write(lambda tx: access_tokens.revoke(tx, token.id, now=now))
    assert_refused(world, f"Token {token}", REVOKED)
    assert_refused(world, f"Token {tokens.Token(token.id, tokens.generate().secret)}", INVALID)
    assert_accepted(world, f"Token {other}")


def test_revoking_again_keeps_the_first_instant(world: World) -> None:
    token, now = issue(world.member), world.service.services.clock()
    for instant in (now, now + YEAR):
        world.service.write(lambda tx, instant=instant: access_tokens.revoke(tx, token.id, now=instant))  # type: ignore[misc]
    assert stored(world.service, token)["revoked_at"] == now
    assert_refused(world, f"Token {token}", REVOKED)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Token",
        "Bearer",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Basic TOKEN",
        "TOKEN",
        "Tokens TOKEN",
        "Bearer,TOKEN",
        "Bearer=TOKEN",
        "Bearer\tTOKEN",
        "a" * 50_000,
        b"\xe2\x82\xac TOKEN",
        b"Bearer\xa0TOKEN",
    ],
    ids=lambda header: repr(header[:24]),
)
def test_a_header_without_a_token_counts_as_missing(world: World, header: str | bytes) -> None:
    if isinstance(header, bytes):
        assert_refused(world, header.replace(b"TOKEN", world.member.token.encode()), MESSAGE)
    else:
        assert_refused(world, header.replace("TOKEN", world.member.token), MESSAGE)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer TOKEN TOKEN",
        "Bearer TOKEN, Bearer TOKEN",
        "Bearer Bearer TOKEN",
        'Bearer "TOKEN"',
        "Bearer TOKENx",
        "Bearer upm___",
        "Bearer null",
        "Bearer %00",
        "Bearer " + "a" * 50_000,
        b"Bearer \xff\xfe\x80",
        b"Bearer TOKEN\xc3\xa9",
        b"Bearer \xa0TOKEN",
    ],
    ids=lambda header: repr(header[:24]),
)
def test_garbage_is_refused(world: World, header: str | bytes) -> None:
    if isinstance(header, bytes):
        assert_refused(world, header.replace(b"TOKEN", world.member.token.encode()))
    else:
        assert_refused(world, header.replace("TOKEN", world.member.token))


@pytest.mark.parametrize("header", [" ", "     ", "Bearer ", "Token     ", "Bearer  \t "], ids=repr)
def test_blank_credentials_are_refused(world: World, header: str) -> None:
    """Sent with the standard library's client, because httpx refuses to send such headers."""
    for path in ("/graphql?query={__typename}", f"{REST}?platform_key={world.platform_key}"):
        with closing(HTTPConnection(world.service.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request("GET", path, headers={"Authorization": header})
            response = connection.getresponse()
            assert response.status == 401
            assert MESSAGE.encode() in response.read()


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ _service { sdl } }", "{ __schema { types { name } } }"]
)
def test_an_operation_with_a_wrong_token_is_refused_even_for_public_fields(world: World, query: str) -> None:
    for header in ("Bearer wrong", f"Bearer {tokens.generate()}"):
        response = graphql(world.service, header, query)
        assert response.status_code == 401
        assert "data" not in response.json()


def test_a_wrong_token_is_refused_before_the_request_is_read(world: World) -> None:
    response = world.service.client.post(
        "/graphql",
        content=b"{",
        headers={"Authorization": "Bearer wrong", "Content-Type": "application/json"},
    )
    assert response.status_code == 401
    assert rest(world, "Token wrong").json() == {"detail": MESSAGE}


def test_without_a_token_public_fields_are_served(world: World) -> None:
    body = graphql(world.service, None, "{ __schema { queryType { name } } _service { sdl } }").json()
    assert body["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert "type Query" in body["data"]["_service"]["sdl"]
    assert "errors" not in body


def test_without_a_token_other_fields_are_refused(world: World) -> None:
    body = graphql(world.service, None).json()
    assert body["data"] is None
    assert body["errors"][0]["message"] == MESSAGE
    assert body["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    response = rest(world, None)
    assert response.status_code == 401
    assert response.json() == {"detail": MESSAGE}
    assert response.headers["WWW-Authenticate"] == "Token"


def test_a_token_in_the_url_is_ignored(world: World) -> None:
    for name in ("token", "access_token", "authorization"):
        params = {"platform_key": world.platform_key, name: world.member.token}
        assert world.service.client.get(REST, params=params).status_code == 401


def stored(service: Service, token: tokens.Token) -> dict[str, Any]:
    """The stored row of a token."""

    async def read() -> dict[str, Any]:
        async with service.services.database.read() as connection:
            statement = select(tables.access_tokens).where(tables.access_tokens.c.id == token.id)
            (row,) = await connection.fetch(Statement(statement))
            return dict(zip(tables.access_tokens.c.keys(), row, strict=True))

    return service.run(read)


def test_only_the_digest_of_the_secret_is_stored(world: World) -> None:
    token = issue(world.member)
    row = stored(world.service, token)
    assert bytes(row["digest"]) == hashlib.sha256(token.secret.encode()).digest()
    for value in row.values():
        text = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        assert token.secret.encode() not in text
        assert str(token).encode() not in text
