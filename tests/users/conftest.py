"""An OpenID Connect provider, and a server that accepts its tokens."""

from collections.abc import Iterator

import pytest

from tests.support.openid_provider import AUDIENCE, OpenIdProvider, SigningKey, providing
from tests.support.security_lines import SecurityLines, serving_with_log
from tests.support.world import Caller, World


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with providing(SigningKey("RS256"), SigningKey("ES256"), SigningKey("EdDSA")) as running:
        yield running


@pytest.fixture(scope="module")
def jwt_server(
    database_url: str, provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, SecurityLines]]:
    """A world on a server that accepts tokens of the provider, and its security log."""
    folder = tmp_path_factory.mktemp("jwt")
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    settings |= {"trusted_proxies": "127.0.0.1"}
    with serving_with_log(database_url, folder, **settings) as (service, lines):
        yield World(service), lines


@pytest.fixture
def jwt_world(jwt_server: tuple[World, SecurityLines]) -> World:
    return jwt_server[0]


@pytest.fixture
def jwt_lines(jwt_server: tuple[World, SecurityLines]) -> SecurityLines:
    """The lines of the security log that the test causes."""
    jwt_server[1].new()
    return jwt_server[1]


@pytest.fixture
def ann(jwt_world: World) -> Caller:
    """A member of the tenant, with the identity whose subject is their username."""
    user = jwt_world.new_user()
    link = """mutation ($name: String!) { linkIdentity(input: {username: $name, subject: $name}) {
      userErrors { message } } }"""
    assert jwt_world.admin.ask(link, name=user.username) == {"linkIdentity": {"userErrors": []}}
    return user
