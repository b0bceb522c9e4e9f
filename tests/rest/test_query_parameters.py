"""Query parameters that the resource does not have: the request is refused, and changes nothing."""

from typing import Any

import httpx
import pytest

from tests.support.service import Service
from tests.support.world import REST, Caller, World

METHODS: dict[str, Any] = {
    "GET": None,
    "HEAD": None,
    "PATCH": {"metadata": {"a": 2}},
    "PUT": {"metadata": {"a": 2}},
    "DELETE": None,
}
EACH_METHOD = pytest.mark.parametrize("method", METHODS)
KNOWN = "There are 'platform_key' and 'username'."


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: `admin` resets the documents."""
    return World(service)


@pytest.fixture
def admin(world: World) -> Caller:
    """The admin, who has a document, as does the member."""
    for caller in (world.admin, world.member):
        assert caller.rest("PUT", world.platform_key, {"metadata": {"a": 1}}).status_code == 200
    return world.admin


def send(caller: Caller, method: str, query: str) -> httpx.Response:
    return caller.service.client.request(
        method,
        f"{REST}?{query}",
        json=METHODS[method],
        headers={"Authorization": f"Token {caller.token}"},
    )


def assert_refused(world: World, response: httpx.Response, message: str) -> None:
    """The response has this message, and both documents are at their first revision."""
    assert response.status_code == 400
    assert "etag" not in response.headers
    if response.request.method != "HEAD":
        assert response.json() == {"error": message}
    for caller in (world.admin, world.member):
        now = caller.rest("GET", world.platform_key)
        assert (now.headers["etag"], now.json()["metadata"]) == ('"1"', {"a": 1})


@EACH_METHOD
@pytest.mark.parametrize("name", ["userName", "USERNAME", "user_name", "user-name", "usernam", "%75ser"])
def test_a_misspelt_username_does_not_act_on_oneself(
    world: World, admin: Caller, method: str, name: str
) -> None:
    response = send(admin, method, f"platform_key={world.platform_key}&{name}={world.member.username}")
    spelling = name.replace("%75", "u")
    message = f"Unknown query parameter '{spelling}'. Did you mean 'username'?"
    assert_refused(world, response, message)


@EACH_METHOD
@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("&format=json", f"Unknown query parameter 'format'. {KNOWN}"),
        ("&format", f"Unknown query parameter 'format'. {KNOWN}"),
        ("&=", f"Unknown query parameter ''. {KNOWN}"),
        ("&_=1700000000", f"Unknown query parameter '_'. {KNOWN}"),
        ("&a%00%0A=1", f"Unknown query parameter 'a\\x00\\n'. {KNOWN}"),
        ("&platformKey=b", "Unknown query parameter 'platformKey'. Did you mean 'platform_key'?"),
        ("&username[]=ann", "Unknown query parameter 'username[]'. Did you mean 'username'?"),
        ("&username=", "The query parameter 'username' is empty. Leave it out, or name a user."),
        ("&username", "The query parameter 'username' is empty. Leave it out, or name a user."),
        ("&username=a&username=b", "The query parameter 'username' is repeated. Send it once."),
        ("&username=&username=b", "The query parameter 'username' is repeated. Send it once."),
        ("&platform_key=other", "The query parameter 'platform_key' is repeated. Send it once."),
    ],
)
def test_a_query_string_with_anything_else_is_refused(
    world: World, admin: Caller, method: str, rest: str, message: str
) -> None:
    assert_refused(world, send(admin, method, f"platform_key={world.platform_key}{rest}"), message)


@EACH_METHOD
def test_a_parameter_is_repeated_even_if_its_values_are_equal(
    world: World, admin: Caller, method: str
) -> None:
    response = send(admin, method, f"platform_key={world.platform_key}&platform%5Fkey={world.platform_key}")
    assert_refused(world, response, "The query parameter 'platform_key' is repeated. Send it once.")


@EACH_METHOD
def test_a_misspelt_platform_key_is_named(world: World, admin: Caller, method: str) -> None:
    response = send(admin, method, f"platformkey={world.platform_key}")
    assert_refused(world, response, "Unknown query parameter 'platformkey'. Did you mean 'platform_key'?")


def test_a_long_name_is_shortened(world: World, admin: Caller) -> None:
    response = send(admin, "GET", f"platform_key={world.platform_key}&{'x' * 8000}=1")
    assert_refused(world, response, f"Unknown query parameter '{'x' * 80}…'. {KNOWN}")


@EACH_METHOD
def test_a_missing_token_comes_before_an_unknown_parameter(world: World, method: str) -> None:
    query = f"platform_key={world.platform_key}&userName=ann"
    response = world.service.client.request(method, f"{REST}?{query}", json=METHODS[method])
    assert response.status_code == 401


@EACH_METHOD
def test_an_unknown_parameter_comes_before_the_platform_and_the_user(world: World, method: str) -> None:
    """So it tells nobody which of them exist."""
    for query in ("platform_key=unknown", f"platform_key={world.platform_key}&username=unknown"):
        assert send(world.member, method, f"{query}&format=json").status_code == 400


@EACH_METHOD
@pytest.mark.parametrize("query", ["platform_key={}&", "&platform_key={}", "&&platform%5Fkey={}&&"])
def test_empty_parts_of_a_query_string_are_ignored(world: World, method: str, query: str) -> None:
    assert send(world.member, method, query.format(world.platform_key)).is_success


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_checks_ignore_query_parameters(world: World, path: str) -> None:
    """They have none to misspell, and load balancers add some against caches."""
    assert world.service.client.get(f"{path}?_=1&_=2").status_code == 200
