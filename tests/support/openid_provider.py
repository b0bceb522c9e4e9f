"""An OpenID Connect provider as a process on loopback, its keys, and tokens that are signed by them."""

import base64
import hashlib
import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms
from jwt.utils import base64url_encode

from tests.support.cli_processes import free_port
from tests.support.http_clients import PATIENCE
from tests.support.npm import npm_project

AUDIENCE = "https://metadata.example.com/graphql"
CLIENT = "graphiql"
_CALLBACK = "http://127.0.0.1:9/callback"
"""Where tests without a browser are sent with their code. Nobody listens there."""


class SigningKey:
    """A private key of a provider."""

    def __init__(self, algorithm: str = "RS256", kid: str | None = None) -> None:
        self.algorithm = algorithm
        self.kid = kid or secrets.token_hex(4)
        if algorithm == "RS256":
            self.private: Any = rsa.generate_private_key(65537, 2048)
            jwk = RSAAlgorithm.to_jwk(self.private, as_dict=True)
        elif algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
            jwk = ECAlgorithm.to_jwk(self.private, as_dict=True)
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()
            jwk = OKPAlgorithm.to_jwk(self.private, as_dict=True)
        jwk.pop("key_ops", None)
        self.jwk: dict[str, Any] = jwk | {"kid": self.kid, "alg": algorithm, "use": "sig"}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """A token with these claims."""
        return self.sign_bytes(json.dumps(claims).encode(), **headers)

    def sign_bytes(self, payload: bytes, **headers: Any) -> str:
        """A token with this payload, whatever it is. Headers that are None are left out."""
        named = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"} | headers
        header = json.dumps({name: value for name, value in named.items() if value is not None}).encode()
        signed = b".".join(map(base64url_encode, (header, payload)))
        algorithm = get_default_algorithms()[self.algorithm]
        return (signed + b"." + base64url_encode(algorithm.sign(signed, self.private))).decode()


class OpenIdProvider:
    """A provider that runs, or that was stopped."""

    def __init__(self, *keys: SigningKey, port: int | None = None, **settings: Any) -> None:
        self.keys = keys or (SigningKey(),)
        self.port = port or free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.redirect_uris = [_CALLBACK]
        """Where people are sent after signing in. To be set before it starts."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it listens."""
        project = npm_project("openid-provider")
        self._process = subprocess.Popen(
            ["node", "provider.mjs"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        settings = {"port": self.port, "audience": AUDIENCE, "keys": [key.jwk for key in self.keys]}
        settings |= {"redirectUris": self.redirect_uris} | self._settings
        self._process.stdin.write(json.dumps(settings).encode())
        self._process.stdin.close()
        for line in self._process.stdout:
            if line.startswith(b"listening"):
                return
        raise AssertionError("the provider did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def rotate(self, *keys: SigningKey) -> None:
        """Go on with other keys."""
        self.stop()
        self.keys = keys
        self.start()

    def claims(self, subject: str = "ann", **claims: Any) -> dict[str, Any]:
        """The claims of a valid access token. Those that are None are left out."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600}
        return {name: value for name, value in (usual | claims).items() if value is not None}

    def token(self, subject: str = "ann", **claims: Any) -> str:
        """A token that is signed as those of the provider are."""
        return self.keys[0].sign(self.claims(subject, **claims))

    def robot_token(self) -> str:
        """A token that the provider has issued to a program: its subject is the id of the client."""
        form = {"grant_type": "client_credentials", "resource": AUDIENCE}
        answer = httpx.post(
            f"{self.issuer}/token", data=form, auth=("robot", "not-a-secret"), timeout=PATIENCE
        )
        return str(answer.json()["access_token"])

    def sign_in(self, login: str) -> dict[str, Any]:
        """What the provider's token endpoint answers after a person has signed in."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "client_id": CLIENT,
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": _CALLBACK,
            "resource": AUDIENCE,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        with httpx.Client(base_url=self.issuer, timeout=PATIENCE) as browser:
            form = browser.get("/auth", params=parameters).headers["Location"]
            answer = browser.post(form, data={"login": login})
            while not (target := answer.headers["Location"]).startswith(_CALLBACK):
                answer = browser.get(target)
            code = parse_qs(urlsplit(target).query)["code"][0]
            grant = {
                "grant_type": "authorization_code",
                "client_id": CLIENT,
                "code": code,
                "redirect_uri": _CALLBACK,
                "code_verifier": verifier,
                "resource": AUDIENCE,
            }
            tokens: dict[str, Any] = browser.post("/token", data=grant).json()
        assert "access_token" in tokens, tokens
        return tokens


@contextmanager
def providing(*keys: SigningKey, port: int | None = None, **settings: Any) -> Iterator[OpenIdProvider]:
    """A provider that runs within the block."""
    provider = OpenIdProvider(*keys, port=port, **settings)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
