"""The issuer of JWTs: its metadata and keys, their rotation, and what happens while it is away."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gql_service.services import issuer as issuer_module
from tests.support.openid_provider import AUDIENCE, OpenIdProvider, SigningKey, providing
from tests.support.service import Service, serving, wait_until
from tests.support.world import World
from tests.users.test_jwt import graphql

UNLINKED = 403
"""The status for a valid token of nobody: these tests link no identities."""


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"


@contextmanager
def trusting(database: str, issuer: str) -> Iterator[Service]:
    with serving(database, oidc_issuer=issuer, oidc_audience=AUDIENCE) as service:
        yield service


def status(service: Service, token: str) -> int:
    response = graphql(service, token)
    if response.status_code == 503:
        assert response.json()["errors"][0]["extensions"]["code"] == "ISSUER_UNAVAILABLE"
        assert int(response.headers["Retry-After"]) > 0
    return response.status_code


def test_tokens_of_new_keys_are_accepted_after_a_rotation(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_module, "_REFRESH_INTERVAL", 0.0)
    monkeypatch.setattr(issuer_module, "_VERDICT_SECONDS", 0.0)
    old, new = SigningKey(), SigningKey("ES256")
    with providing(old) as provider, trusting(database, provider.issuer) as service:
        assert status(service, provider.token()) == UNLINKED
        provider.rotate(new)
        token = provider.robot_token()
        assert status(service, token) == UNLINKED
        assert status(service, old.sign(provider.claims())) == 401, "its key was withdrawn"
        provider.stop()
        assert status(service, token) == UNLINKED, "the key is known"
        assert status(service, SigningKey().sign(provider.claims())) == 503
        provider.start()
        assert status(service, SigningKey().sign(provider.claims())) == 401


def test_keys_that_were_withdrawn_are_forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_module, "_REFRESH_INTERVAL", 0.0)
    monkeypatch.setattr(issuer_module, "_VERDICT_SECONDS", 0.0)
    monkeypatch.setattr(issuer_module, "_MAX_AGE", 0.0)
    withdrawn = SigningKey()
    with providing(withdrawn) as provider, trusting(database, provider.issuer) as service:
        token = provider.token()
        assert status(service, token) == UNLINKED
        provider.rotate(SigningKey())
        wait_until(lambda: status(service, token) == 401)


def test_without_the_issuer_only_jwts_fail(database: str) -> None:
    provider = OpenIdProvider()
    with trusting(database, provider.issuer) as service:
        assert status(service, provider.token()) == 503
        world = World(service)
        assert world.member.ask("{ me { username } }")
        assert service.client.get("/health/ready").status_code == 200


class FakeIssuer:
    """A server that answers what a test wants, where a real provider would behave."""

    def __init__(self) -> None:
        self.key = SigningKey()
        public = {name: self.key.jwk[name] for name in ("kty", "n", "e", "kid", "alg", "use")}
        self.documents: dict[str, Any] = {"/keys": {"keys": [public]}}
        self.requests: list[str] = []
        self.pause: Callable[[], object] = lambda: None
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.requests.append(self.path)
                fake.pause()
                found = fake.documents.get(self.path)
                status, headers, body = found if isinstance(found, tuple) else (200, {}, json.dumps(found))
                self.send_response(404 if found is None else status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Not on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.metadata = "/.well-known/openid-configuration"
        self.documents[self.metadata] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def token(self, key: SigningKey | None = None) -> str:
        claims = OpenIdProvider(self.key).claims(iss=self.issuer)
        return (key or self.key).sign(claims)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def fake() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()
    yield issuer
    issuer.stop()


def test_many_requests_read_the_keys_once(fake: FakeIssuer, database: str) -> None:
    released = threading.Event()
    fake.pause = lambda: released.wait(20)
    with trusting(database, fake.issuer) as service:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(status(service, fake.token()))) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: bool(fake.requests))
        released.set()
        for thread in threads:
            thread.join()
        assert statuses == [UNLINKED] * 20
        assert fake.requests == [fake.metadata, "/keys"]
        for _ in range(20):
            assert status(service, fake.token(SigningKey("EdDSA"))) == 401
        assert fake.requests == [fake.metadata, "/keys"], "not again at once"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("metadata", lambda fake: {"issuer": "http://127.0.0.1:1", "jwks_uri": f"{fake.issuer}/keys"}),
        ("metadata", lambda fake: {"issuer": f"{fake.issuer}/", "jwks_uri": f"{fake.issuer}/keys"}),
        ("metadata", lambda fake: {"issuer": fake.issuer}),
        ("metadata", lambda fake: {"issuer": fake.issuer, "jwks_uri": "file:///keys"}),
        ("metadata", lambda fake: {"issuer": fake.issuer, "jwks_uri": 7}),
        ("metadata", lambda fake: {"issuer": fake.issuer, "jwks_uri": "http://192.0.2.1/keys"}),
        ("metadata", lambda fake: (302, {"Location": f"{fake.issuer}/elsewhere"}, "")),
        ("metadata", lambda fake: (200, {}, "{")),
        ("metadata", lambda fake: (200, {}, "[" * 300_000)),
        ("metadata", lambda fake: (500, {}, "{}")),
        ("/keys", lambda fake: (302, {"Location": f"{fake.issuer}/elsewhere"}, "")),
        ("/keys", lambda fake: {"keys": 7}),
        ("/keys", lambda fake: []),
    ],
)
def test_an_issuer_that_cannot_be_used_is_away(
    fake: FakeIssuer, database: str, path: str, document: Callable[[FakeIssuer], Any]
) -> None:
    fake.documents["/elsewhere"] = fake.documents["/keys"]
    fake.documents[fake.metadata if path == "metadata" else path] = document(fake)
    with trusting(database, fake.issuer) as service:
        assert status(service, fake.token()) == 503
        assert "/elsewhere" not in fake.requests


@pytest.mark.parametrize(
    "keys",
    [
        lambda public: [],
        lambda public: [public | {"use": "enc"}],
        lambda public: [public | {"alg": "RS512"}],
        lambda public: [public | {"key_ops": ["sign"]}],
        lambda public: [public | {"n": "AQAB"}],
        lambda public: [public | {"kid": 7}],
        lambda public: [{"kty": "oct", "k": "AQAB", "kid": public["kid"], "alg": "HS256"}],
        lambda public: ["x", None, {"kty": "RSA", "kid": public["kid"]}],
    ],
)
def test_keys_that_must_not_verify_are_ignored(
    fake: FakeIssuer, database: str, keys: Callable[[dict[str, Any]], Any]
) -> None:
    fake.documents["/keys"] = {"keys": keys(fake.documents["/keys"]["keys"][0])}
    with trusting(database, fake.issuer) as service:
        assert status(service, fake.token()) == 401


def test_a_private_key_that_is_published_verifies_nothing(fake: FakeIssuer, database: str) -> None:
    fake.documents["/keys"] = {"keys": [fake.key.jwk]}
    with trusting(database, fake.issuer) as service:
        assert status(service, fake.token()) == 401


def test_a_token_without_a_key_id_needs_a_single_key(fake: FakeIssuer, database: str) -> None:
    claims = OpenIdProvider(fake.key).claims(iss=fake.issuer)
    token = fake.key.sign(claims, kid=None)
    with trusting(database, fake.issuer) as service:
        assert status(service, token) == UNLINKED
    other = SigningKey().jwk
    fake.documents["/keys"]["keys"].append({name: other[name] for name in ("kty", "n", "e", "kid")})
    with trusting(database, fake.issuer) as service:
        assert status(service, token) == 401
