"""Who may read and write which document, by GraphQL and REST alike, and in which order that is checked."""

from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.service import serving
from tests.support.world import REST, Caller, World

OK = ("OK", None)
NOBODY = ("UNAUTHENTICATED", "Authentication credentials were not provided.")
NOT_ADMIN = ("FORBIDDEN", "Only tenant admins can access other users' metadata")
NO_PLATFORM = ("NOT_FOUND", "Platform not found")
NO_USER = ("NOT_FOUND", "User not found")

PRINCIPALS = ("nobody", "member", "colleague", "admin", "foreign_admin", "stranger", "owner", "guest")
GRAPHQL = {
    "read": """query ($k: String!, $u: String) {
      x: platformMetadata(platformKey: $k, username: $u) { metadata } }""",
    "patch": """mutation ($k: String, $u: String) {
      x: patchPlatformMetadata(input: {platformKey: $k, username: $u, metadata: {theme: "new"}}) {
        userErrors { message } } }""",
    "replace": """mutation ($k: String, $u: String) {
      x: replacePlatformMetadata(input: {platformKey: $k, username: $u, metadata: {theme: "new"}}) {
        userErrors { message } } }""",
    "clear": """mutation ($k: String, $u: String) {
      x: clearPlatformMetadata(input: {platformKey: $k, username: $u}) { userErrors { message } } }""",
}
NEW = {"metadata": {"theme": "new"}}
REST_CALLS: dict[str, tuple[str, Any]] = {
    "GET": ("GET", None),
    "PATCH": ("PATCH", NEW),
    "PUT": ("PUT", NEW),
    "DELETE": ("DELETE", None),
}
OPERATIONS = (*GRAPHQL, *REST_CALLS)
READS = ("read", "GET")
WRITES = tuple(name for name in GRAPHQL if name not in READS)
CODES = {
    200: "OK",
    204: "OK",
    400: "BAD_USER_INPUT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
}


class Cast(NamedTuple):
    """The users of a world, a guest, and a document of the member."""

    world: World
    guest: Caller

    def caller(self, role: str) -> Caller | None:
        person: Caller | None = self.guest if role == "guest" else getattr(self.world, role, None)
        return person

    def send(self, operation: str, role: str, key: str | None, username: str | None) -> httpx.Response:
        """Execute an operation, by GraphQL or REST."""
        caller, client = self.caller(role), self.world.service.client
        headers = {} if caller is None else {"Authorization": f"Token {caller.token}"}
        if operation in GRAPHQL:
            body = {"query": GRAPHQL[operation], "variables": {"k": key, "u": username}}
            return client.post("/graphql", json=body, headers=headers)
        method, sent = REST_CALLS[operation]
        parameters = {"platform_key": key, "username": username}
        params = {name: value for name, value in parameters.items() if value is not None}
        return client.request(method, REST, params=params, json=sent, headers=headers)

    def attempt(
        self, operation: str, role: str, key: str | None, username: str | None
    ) -> tuple[str, str | None]:
        """The outcome of an operation: a code, and the message of an error."""
        response = self.send(operation, role, key, username)
        body = response.json() if response.content else {}
        if operation in REST_CALLS:
            return CODES[response.status_code], body.get("error") or body.get("detail")
        assert response.status_code == 200
        has_result = bool((body["data"] or {}).get("x"))
        assert ("errors" in body) != has_result
        if "errors" not in body:
            return OK
        error = body["errors"][0]
        return error["extensions"]["code"], error["message"]

    def document(self) -> Any:
        """The member's document on the platform, and the user-wide document."""
        query = """query ($k: String!) { me {
          userMetadata { metadata revision } platformMetadata(platformKey: $k) { metadata revision } } }"""
        return self.world.member.ask(query, k=self.world.platform_key)["me"]


@pytest.fixture
def cast(world: World) -> Cast:
    """The member has two documents with one key each, at revision 1."""
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::editor"])
    patch = """mutation ($k: String) {
      patchPlatformMetadata(input: {platformKey: $k, metadata: {theme: "old"}}) { userErrors { code } } }"""
    world.member.ask(patch, k=world.platform_key)
    world.member.ask(patch, k=None)
    return Cast(world, guest)


def expect(cast: Cast, operation: str, role: str, key: str | None, outcome: tuple[str, str | None]) -> None:
    """Operations on the member have this outcome, and a rejected write has changed nothing."""
    before = cast.document()
    assert cast.attempt(operation, role, key, cast.world.member.username) == outcome
    if outcome == OK and operation not in READS:
        assert cast.document() != before
    else:
        assert cast.document() == before


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("role", "outcome"),
    [
        ("nobody", NOBODY),
        ("member", OK),
        ("colleague", NOT_ADMIN),
        ("admin", OK),
        ("foreign_admin", NO_PLATFORM),
        ("stranger", NO_PLATFORM),
        ("owner", OK),
        ("guest", NOT_ADMIN),
    ],
)
def test_access_to_the_document_of_a_member(
    cast: Cast, operation: str, role: str, outcome: tuple[str, str | None]
) -> None:
    expect(cast, operation, role, cast.world.platform_key, outcome)


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    ("role", "outcome"),
    [
        ("nobody", NOBODY),
        ("member", OK),
        ("colleague", NOT_ADMIN),
        ("admin", OK),
        ("foreign_admin", NOT_ADMIN),
        ("stranger", NOT_ADMIN),
        ("owner", OK),
        ("guest", NOT_ADMIN),
    ],
)
def test_access_to_the_user_wide_document_of_a_member(
    cast: Cast, operation: str, role: str, outcome: tuple[str, str | None]
) -> None:
    expect(cast, operation, role, None, outcome)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_users_access_their_own_document_with_or_without_their_username(cast: Cast, operation: str) -> None:
    outsiders = {"nobody": NOBODY, "foreign_admin": NO_PLATFORM, "stranger": NO_PLATFORM}
    for role in PRINCIPALS:
        caller = cast.caller(role)
        for username in (None, caller.username) if caller else (None,):
            outcome = cast.attempt(operation, role, cast.world.platform_key, username)
            assert outcome == outsiders.get(role, OK), (role, username)


@pytest.mark.parametrize("operation", WRITES)
def test_everybody_has_a_document_without_a_platform(cast: Cast, operation: str) -> None:
    for role in PRINCIPALS:
        assert cast.attempt(operation, role, None, None) == (NOBODY if role == "nobody" else OK), role


@pytest.mark.parametrize("operation", WRITES)
def test_the_user_wide_document_of_a_guest_is_their_own_tenants(cast: Cast, operation: str) -> None:
    outcomes = {
        "admin": NOT_ADMIN,
        "foreign_admin": OK,
        "owner": OK,
        "stranger": NOT_ADMIN,
        "member": NOT_ADMIN,
    }
    for role, outcome in outcomes.items():
        assert cast.attempt(operation, role, None, cast.guest.username) == outcome, role


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_platform_document_of_a_guest_is_the_platforms_tenants(cast: Cast, operation: str) -> None:
    outcomes = {"admin": OK, "foreign_admin": NO_PLATFORM, "owner": OK, "member": NOT_ADMIN}
    for role, outcome in outcomes.items():
        assert cast.attempt(operation, role, cast.world.platform_key, cast.guest.username) == outcome, role


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_user_who_is_not_a_member_of_the_platform_is_not_found(cast: Cast, operation: str) -> None:
    for role in ("admin", "owner"):
        for username in (cast.world.stranger.username, "nobody-has-this-name", " ", "é"):
            assert cast.attempt(operation, role, cast.world.platform_key, username) == NO_USER, (
                role,
                username,
            )


def _same_response(first: httpx.Response, second: httpx.Response) -> bool:
    first.headers["Date"] = second.headers["Date"]
    return (first.status_code, first.headers, first.content) == (
        second.status_code,
        second.headers,
        second.content,
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_usernames_cannot_be_probed(cast: Cast, operation: str) -> None:
    world = cast.world
    for role in ("nobody", "colleague", "guest", "stranger", "foreign_admin"):
        missing = cast.send(operation, role, world.platform_key, "nobody-has-this-name")
        for username in (world.member.username, world.admin.username, world.owner.username, "\u20ac"):
            assert _same_response(cast.send(operation, role, world.platform_key, username), missing), (
                role,
                username,
            )


@pytest.mark.parametrize("operation", WRITES)
def test_usernames_cannot_be_probed_without_a_platform(cast: Cast, operation: str) -> None:
    for role, username in {"colleague": "member", "stranger": "member", "admin": "stranger"}.items():
        missing = cast.send(operation, role, None, "nobody-has-this-name")
        person: Caller = getattr(cast.world, username)
        assert _same_response(cast.send(operation, role, None, person.username), missing), role


@pytest.mark.parametrize("operation", OPERATIONS)
def test_platforms_cannot_be_probed(cast: Cast, operation: str) -> None:
    for role in ("nobody", "stranger", "foreign_admin"):
        for username in (None, cast.world.member.username, "nobody-has-this-name"):
            unseen = cast.send(operation, role, cast.world.platform_key, username)
            for missing in ("no-such-platform", cast.world.platform_key.upper(), "é", "a b"):
                assert _same_response(cast.send(operation, role, missing, username), unseen), (role, missing)


def test_the_platform_is_checked_before_the_role(cast: Cast) -> None:
    for operation in OPERATIONS:
        outcome = cast.attempt(operation, "colleague", "no-such-platform", cast.world.member.username)
        assert outcome == NO_PLATFORM, operation


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_rest_checks_the_body_last(cast: Cast, method: str) -> None:
    world = cast.world
    member, missing, platform_key, other = (
        world.member.username,
        "none",
        world.platform_key,
        world.other_platform_key,
    )
    for token, key, username, status in [
        ("wrong", None, member, 401),
        (world.colleague.token, None, member, 400),
        (world.colleague.token, other, missing, 404),
        (world.colleague.token, platform_key, missing, 403),
        (world.admin.token, platform_key, missing, 404),
        (world.admin.token, platform_key, member, 400),
    ]:
        params = {"username": username} | ({} if key is None else {"platform_key": key})
        response = world.service.client.request(
            method,
            REST,
            params=params,
            content=b"{",
            headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
        )
        assert response.status_code == status, (key, username, response.text)


@pytest.mark.parametrize("query", ["platform_key=", ""])
def test_rest_needs_a_platform_key(cast: Cast, query: str) -> None:
    headers = {"Authorization": f"Token {cast.world.member.token}"}
    for method in REST_CALLS:
        response = cast.world.service.client.request(method, f"{REST}?{query}", headers=headers)
        assert response.status_code == 400
        assert response.json() == {"error": "platform_key query parameter is required"}


@pytest.mark.parametrize(
    "permission", ["administrator", "ADMIN", "Admin", "admin2", "superadmin", "member", "*"]
)
def test_only_the_admin_permission_makes_an_admin(cast: Cast, permission: str) -> None:
    world = cast.world
    caller = world.new_user(
        permissions=[f"{world.tenant_id}::{permission}", f"{world.other_tenant_id}::admin"]
    )
    assert caller.rest("GET", world.platform_key, username=world.member.username).status_code == 403
    assert caller.rest("GET", world.platform_key).status_code == 200
    assert caller.rest("GET", world.other_platform_key, username=world.stranger.username).status_code == 200


def test_an_admin_by_permission_may_belong_to_another_tenant(cast: Cast) -> None:
    world = cast.world
    admin = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::admin"])
    assert admin.rest("PUT", world.platform_key, NEW, username=world.member.username).status_code == 200
    assert admin.rest("GET", world.other_platform_key, username=world.stranger.username).status_code == 403


def test_the_admin_permission_has_the_configured_name(fresh_database_url: str) -> None:
    with serving(fresh_database_url, admin_permission="boss") as service:
        world = World(service)
        renamed_admin = world.new_user(permissions=[f"{world.tenant_id}::boss"])
        for method, (_, body) in REST_CALLS.items():
            for caller, statuses in (
                (renamed_admin, (200, 204)),
                (world.admin, (403,)),
                (world.owner, (200, 204)),
            ):
                response = caller.rest(method, world.platform_key, body, username=world.member.username)
                assert response.status_code in statuses
        query = "query ($n: String!) { user(by: {username: $n}) { email } }"
        assert renamed_admin.ask(query, n=world.member.username)["user"]
        assert world.admin.graphql(query, n=world.member.username)["errors"]
