"""JWT access tokens of an OpenID Connect provider: which are accepted, and why the others are refused."""

import base64
import hashlib
import hmac
import json
import random
import time
from ipaddress import IPv4Address
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.openid_provider import OpenIdProvider, SigningKey
from tests.support.security_lines import SecurityLines
from tests.support.service import Service
from tests.support.world import REST, Caller, World
from tests.users.test_authentication import MESSAGE, later

ME = "{ me { username } }"


def headers_of(scheme: str, token: str) -> Any:
    return {"Authorization": f"{scheme} {token}".encode("latin-1"), "X-Forwarded-For": _address()}


def graphql(service: Service, token: str, query: str = ME) -> httpx.Response:
    return service.client.post("/graphql", json={"query": query}, headers=headers_of("Bearer", token))


def rest(world: World, token: str) -> httpx.Response:
    parameters = {"platform_key": world.platform_key}
    return world.service.client.get(REST, params=parameters, headers=headers_of("Token", token))


def _address() -> bytes:
    """An address that has not failed yet: of many failures, the log has only some."""
    return str(IPv4Address(random.randrange(2**32))).encode()


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refusal(world: World, lines: SecurityLines, token: str) -> str:
    """The reason in the log of a token that GraphQL and REST refuse; the header has its message."""
    lines.new()
    by_graphql, by_rest = graphql(world.service, token), rest(world, token)
    assert by_graphql.status_code == by_rest.status_code == 401
    (error,) = by_graphql.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert by_rest.json() == {"detail": MESSAGE}
    reason = f'error="invalid_token", error_description="{error["message"]}"'
    assert by_graphql.headers["WWW-Authenticate"].startswith(f"Bearer {reason}")
    assert by_rest.headers["WWW-Authenticate"].startswith(f"Token {reason}")
    first, second = lines.new()
    assert {first["event"], second["event"]} == {"authentication.failed"}
    assert first["reason"] == second["reason"]
    return str(first["reason"])


def assert_accepted(world: World, user: Caller, token: str) -> None:
    assert graphql(world.service, token).json() == {"data": {"me": {"username": user.username}}}
    assert rest(world, token).json()["username"] == user.username


def test_a_token_of_the_provider_authenticates_the_linked_user(
    jwt_world: World, provider: OpenIdProvider, ann: Caller
) -> None:
    assert_accepted(jwt_world, ann, provider.sign_in(ann.username)["access_token"])


def test_a_program_is_a_user_like_any_other(jwt_world: World, provider: OpenIdProvider) -> None:
    robot = jwt_world.new_user()
    input = f'{{username: "{robot.username}", subject: "robot", issuer: "{provider.issuer}"}}'
    jwt_world.admin.ask(f"mutation {{ linkIdentity(input: {input}) {{ userErrors {{ message }} }} }}")
    assert_accepted(jwt_world, robot, provider.robot_token())
    jwt_world.admin.ask(f"mutation {{ unlinkIdentity(input: {input}) {{ userErrors {{ message }} }} }}")


@pytest.mark.parametrize("number", [0, 1, 2], ids=["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("type_", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
def test_each_algorithm_and_type_is_accepted(
    jwt_world: World, provider: OpenIdProvider, ann: Caller, number: int, type_: str | None
) -> None:
    assert_accepted(jwt_world, ann, provider.keys[number].sign(provider.claims(ann.username), typ=type_))


def test_one_of_several_audiences_is_enough(jwt_world: World, provider: OpenIdProvider, ann: Caller) -> None:
    audience = provider.claims()["aud"]
    assert_accepted(jwt_world, ann, provider.token(ann.username, aud=["https://other.example.com", audience]))


def _ago(seconds: int) -> int:
    return int(time.time()) - seconds


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example.com"}, "ISSUER"),
        ({"iss": None}, "ISSUER"),
        ({"aud": "graphiql"}, "AUDIENCE"),
        ({"aud": ["a", "b"]}, "AUDIENCE"),
        ({"aud": None}, "AUDIENCE"),
        ({"aud": []}, "AUDIENCE"),
        ({"exp": _ago(60)}, "EXPIRED"),
        ({"nbf": _ago(-7200)}, "NOT_YET_VALID"),
        ({"iat": _ago(-7200)}, "NOT_YET_VALID"),
        ({"exp": None}, "CLAIMS"),
        ({"iat": None}, "CLAIMS"),
        ({"sub": None}, "CLAIMS"),
        ({"sub": ""}, "CLAIMS"),
        ({"sub": 7}, "CLAIMS"),
        ({"sub": "a\0b"}, "CLAIMS"),
        ({"sub": "s" * 256}, "CLAIMS"),
        ({"exp": "tomorrow"}, "CLAIMS"),
        ({"exp": True}, "CLAIMS"),
        ({"exp": 1e300}, "CLAIMS"),
        ({"nbf": -1}, "CLAIMS"),
        ({"auth_time": "x"}, "CLAIMS"),
        ({"long": "x" * 8192}, "TOO_LARGE"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_wrong_claims_are_refused(
    jwt_world: World,
    jwt_lines: SecurityLines,
    provider: OpenIdProvider,
    ann: Caller,
    claims: dict[str, Any],
    reason: str,
) -> None:
    token = provider.token(**{"sub": ann.username} | claims)
    assert refusal(jwt_world, jwt_lines, token) == reason


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "crit"])
def test_headers_that_name_keys_or_extensions_are_refused(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller, header: str
) -> None:
    other = SigningKey(kid=provider.keys[0].kid)
    public = {name: other.jwk[name] for name in ("kty", "n", "e", "kid")}
    value: Any = {"jwk": public, "crit": ["exp"]}.get(header, "https://attacker.example.com/keys")
    token = provider.keys[0].sign_bytes(json.dumps(provider.claims(ann.username)).encode(), **{header: value})
    assert refusal(jwt_world, jwt_lines, token) == "HEADER"


def test_an_unsigned_token_is_refused(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    claims = provider.claims(ann.username)
    for algorithm in ("none", "None", "NONE", "nOnE"):
        token = f"{encoded({'alg': algorithm, 'kid': provider.keys[0].kid})}.{encoded(claims)}."
        assert refusal(jwt_world, jwt_lines, token) == "ALGORITHM"


def test_the_public_key_is_no_secret_for_hs256(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    key = provider.keys[0]
    public = key.private.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(httpx.get(f"{provider.issuer}/jwks").json()["keys"][0]).encode(),
    ):
        signed = f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{encoded(provider.claims(ann.username))}"
        token = f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
        assert refusal(jwt_world, jwt_lines, token) == "ALGORITHM"


def test_a_key_verifies_its_own_algorithm_only(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    rsa, ec = provider.keys[:2]
    token = ec.sign(provider.claims(ann.username), kid=rsa.kid)
    assert refusal(jwt_world, jwt_lines, token) == "KEY"


def test_tokens_of_other_keys_are_refused(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    claims = provider.claims(ann.username)
    assert refusal(jwt_world, jwt_lines, SigningKey().sign(claims)) == "KEY"
    assert refusal(jwt_world, jwt_lines, SigningKey(kid=provider.keys[0].kid).sign(claims)) == "SIGNATURE"


def test_a_changed_token_is_refused(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    header, payload, signature = provider.token(ann.username).split(".")
    claims = provider.claims(jwt_world.owner.username)
    assert refusal(jwt_world, jwt_lines, f"{header}.{encoded(claims)}.{signature}") == "SIGNATURE"
    assert refusal(jwt_world, jwt_lines, f"{header}.{payload}.{signature[:-8]}AAAAAAAA") == "SIGNATURE"
    assert refusal(jwt_world, jwt_lines, f"{header}.{payload}.") == "SIGNATURE"
    expired = provider.token(ann.username, exp=1)
    changed = ".".join([*expired.split(".")[:2], signature])
    assert refusal(jwt_world, jwt_lines, changed) == "SIGNATURE", "not: it has expired"


@pytest.mark.parametrize(
    "token", ["a.b.c", "..", "eyJ.eyJ.x", "eyJhbGciOiJSUzI1NiJ9.e30", "a.b.c.d.e", "W10.e30.x", "é.e30.x"]
)
def test_what_is_no_jwt_is_refused(jwt_world: World, jwt_lines: SecurityLines, token: str) -> None:
    assert refusal(jwt_world, jwt_lines, token) == "MALFORMED"


@pytest.mark.parametrize("type_", ["logout+jwt", "dpop+jwt", "id_token+jwt", 7])
def test_other_kinds_of_tokens_are_refused(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller, type_: Any
) -> None:
    payload = json.dumps(provider.claims(ann.username)).encode()
    assert refusal(jwt_world, jwt_lines, provider.keys[0].sign_bytes(payload, typ=type_)) == "TYPE"


def test_an_id_token_is_no_access_token(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    tokens = provider.sign_in(ann.username)
    assert refusal(jwt_world, jwt_lines, tokens["id_token"]) == "AUDIENCE"


def test_a_token_ends_while_its_verdict_is_remembered(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    token = provider.token(ann.username)
    assert_accepted(jwt_world, ann, token)
    with later(jwt_world.service, 599_000):
        assert_accepted(jwt_world, ann, token)
    with later(jwt_world.service, 606_000):  # with the clock skew
        assert refusal(jwt_world, jwt_lines, token) == "EXPIRED"


def test_the_clock_of_the_issuer_may_differ_a_little(
    jwt_world: World, provider: OpenIdProvider, ann: Caller
) -> None:
    now = int(time.time())
    with jwt_world.service.at(now * 1000):
        for claims in ({"nbf": now + 5}, {"iat": now + 5}, {"exp": now - 4}):
            assert_accepted(jwt_world, ann, provider.token(ann.username, **({"iat": now} | claims)))


def test_a_server_without_an_issuer_accepts_no_jwt(world: World, provider: OpenIdProvider) -> None:
    response = graphql(world.service, provider.token())
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="invalid_token", error_description="The access token is not valid."'
    )
    assert world.service.client.get("/.well-known/oauth-protected-resource").status_code == 404


def test_clients_find_the_issuer(jwt_world: World, provider: OpenIdProvider) -> None:
    response = graphql(jwt_world.service, "wrong")
    url = "https://metadata.example.com/.well-known/oauth-protected-resource/graphql"
    assert response.headers["WWW-Authenticate"].endswith(f', resource_metadata="{url}"')
    for path in ("", "/graphql"):
        found = jwt_world.service.client.get(f"/.well-known/oauth-protected-resource{path}").json()
        assert found["resource"] == "https://metadata.example.com/graphql"
        assert found["authorization_servers"] == [provider.issuer]
        assert found["bearer_methods_supported"] == ["header"]
