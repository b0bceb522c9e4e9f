"""The REST contract: every request, response, error body and guarantee of `seeds/001`."""

import re
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.support.service import Service
from tests.support.world import REST, Caller, World

WRITES: dict[str, Any] = {"PATCH": {"metadata": {"a": 1}}, "PUT": {"metadata": {"a": 1}}, "DELETE": None}
METHODS: dict[str, Any] = {"GET": None, **WRITES}
EACH_METHOD = pytest.mark.parametrize("method", METHODS)
NO_CALLER = (401, {"detail": "Authentication credentials were not provided."})
NO_KEY = (400, {"error": "platform_key query parameter is required"})
NO_PLATFORM = (404, {"error": "Platform not found"})
NOT_ADMIN = (403, {"error": "Only tenant admins can access other users' metadata"})
NO_USER = (404, {"error": "User not found"})
NOTHING_SUPPLIED = (
    400,
    {"non_field_errors": ["Provide 'metadata' to update or 'delete_keys' to remove keys."]},
)


def outcome(response: httpx.Response) -> tuple[int, Any]:
    return response.status_code, response.json()


def ask(world: World, method: str, caller: Caller, username: str | None = None) -> httpx.Response:
    """A request on the platform of the world, with a valid body."""
    return caller.rest(method, world.platform_key, METHODS[method], username=username)


def metadata(world: World, caller: Caller) -> Any:
    return caller.rest("GET", world.platform_key).json()["metadata"]


@pytest.fixture
def member(world: World) -> Caller:
    """The member, whose document has three keys."""
    world.member.rest("PUT", world.platform_key, {"metadata": {"theme": "dark", "size": 14, "old": True}})
    return world.member


def test_get_before_any_write_is_empty_and_has_no_instants(world: World) -> None:
    assert outcome(ask(world, "GET", world.member)) == (
        200,
        {
            "username": world.member.username,
            "platform_key": world.platform_key,
            "metadata": {},
            "created_at": None,
            "updated_at": None,
        },
    )


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT"])
def test_a_response_has_exactly_the_documented_fields(world: World, member: Caller, method: str) -> None:
    response = member.rest(method, world.platform_key, METHODS[method])
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["username", "platform_key", "metadata", "created_at", "updated_at"]
    assert body["username"] == member.username
    assert body["platform_key"] == world.platform_key
    assert isinstance(body["metadata"], dict)
    for instant in (body["created_at"], body["updated_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", instant)
        assert abs(datetime.fromisoformat(instant).timestamp() - datetime.now().timestamp()) < 600


def test_patch_adds_and_updates_keys_and_keeps_all_others(world: World, member: Caller) -> None:
    response = member.rest("PATCH", world.platform_key, {"metadata": {"theme": "light", "new": "value"}})
    expected = {"theme": "light", "size": 14, "old": True, "new": "value"}
    assert response.json()["metadata"] == expected
    assert member.rest("GET", world.platform_key).json() == response.json()


def test_patch_removes_keys_and_keeps_all_others(world: World, member: Caller) -> None:
    response = member.rest("PATCH", world.platform_key, {"delete_keys": ["old", "size"]})
    assert outcome(response)[0] == 200
    assert response.json()["metadata"] == {"theme": "dark"}


def test_removing_a_missing_key_succeeds(world: World, member: Caller) -> None:
    before = member.rest("GET", world.platform_key).json()
    response = member.rest("PATCH", world.platform_key, {"delete_keys": ["deprecatedFlag"]})
    assert outcome(response) == (200, before)


def test_patch_removes_before_it_sets(world: World, member: Caller) -> None:
    body = {"metadata": {"theme": "light", "new": True}, "delete_keys": ["theme", "old"]}
    assert member.rest("PATCH", world.platform_key, body).json()["metadata"] == {
        "theme": "light",
        "size": 14,
        "new": True,
    }


def test_patch_sets_whole_values_and_keeps_null(world: World, member: Caller) -> None:
    member.rest("PATCH", world.platform_key, {"metadata": {"theme": {"a": 1}, "size": None}})
    member.rest("PATCH", world.platform_key, {"metadata": {"theme": {"b": [1.5, "x", False]}}})
    assert metadata(world, member) == {"theme": {"b": [1.5, "x", False]}, "size": None, "old": True}


def test_put_replaces_the_document(world: World, member: Caller) -> None:
    response = member.rest("PUT", world.platform_key, {"metadata": {"theme": "system", "language": "es"}})
    assert response.json()["metadata"] == {"theme": "system", "language": "es"}
    assert member.rest("GET", world.platform_key).json() == response.json()


def test_put_of_an_empty_object_removes_every_key(world: World, member: Caller) -> None:
    assert member.rest("PUT", world.platform_key, {"metadata": {}}).json()["metadata"] == {}
    assert metadata(world, member) == {}


@pytest.mark.parametrize("body", [{}, {"metadata": None}])
def test_put_needs_an_object(world: World, member: Caller, body: Any) -> None:
    status, error = outcome(member.rest("PUT", world.platform_key, body))
    assert (status, list(error)) == (400, ["metadata"])
    assert metadata(world, member) == {"theme": "dark", "size": 14, "old": True}


def test_delete_has_no_response_body_and_removes_every_key(world: World, member: Caller) -> None:
    response = member.rest("DELETE", world.platform_key)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert metadata(world, member) == {}


def test_delete_is_idempotent_even_before_any_write(world: World, member: Caller) -> None:
    responses = [member.rest("DELETE", world.platform_key) for _ in range(2)]
    responses.append(world.colleague.rest("DELETE", world.platform_key))
    assert [response.status_code for response in responses] == [204, 204, 204]
    assert responses[0].headers["etag"] == responses[1].headers["etag"]
    assert ask(world, "GET", world.colleague).json()["created_at"] is None


def test_delete_touches_neither_other_platforms_nor_other_users(world: World, member: Caller) -> None:
    other_platform = world.new_platform()
    member.rest("PUT", other_platform, {"metadata": {"here": 1}})
    world.colleague.rest("PUT", world.platform_key, {"metadata": {"mine": 1}})
    member.rest("DELETE", world.platform_key)
    assert member.rest("GET", other_platform).json()["metadata"] == {"here": 1}
    assert metadata(world, world.colleague) == {"mine": 1}


def test_a_change_sets_updated_at_and_keeps_created_at(
    world: World, member: Caller, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ask(world, "GET", member).json()
    assert before["created_at"] == before["updated_at"]
    monkeypatch.setattr(service, "clock_offset", 60_000)
    after = member.rest("PATCH", world.platform_key, {"metadata": {"size": 15}}).json()
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"metadata": {}}),
        ("PATCH", {"delete_keys": []}),
        ("PATCH", {"metadata": {"theme": "dark"}, "delete_keys": ["theme", "unknown"]}),
        ("PUT", {"metadata": {"old": True, "size": 14, "theme": "dark"}}),
    ],
)
def test_a_write_that_changes_nothing_keeps_the_document_and_its_entity_tag(
    world: World, member: Caller, service: Service, monkeypatch: pytest.MonkeyPatch, method: str, body: Any
) -> None:
    before = ask(world, "GET", member)
    monkeypatch.setattr(service, "clock_offset", 60_000)
    after = member.rest(method, world.platform_key, body)
    assert outcome(after) == outcome(before)
    assert after.headers["etag"] == before.headers["etag"]


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"metadata": None, "delete_keys": None}])
def test_patch_with_neither_field_says_what_to_provide(world: World, member: Caller, body: Any) -> None:
    assert outcome(member.rest("PATCH", world.platform_key, body)) == NOTHING_SUPPLIED


@pytest.mark.parametrize("actor", ["admin", "owner"])
def test_an_admin_reads_and_writes_the_metadata_of_others(world: World, member: Caller, actor: str) -> None:
    admin: Caller = getattr(world, actor)

    def act(method: str, body: Any = None) -> httpx.Response:
        return admin.rest(method, world.platform_key, body, username=member.username)

    assert act("GET").json() == ask(world, "GET", member).json()
    features = ["advanced-analytics", "priority-support"]
    patched = act("PATCH", {"metadata": {"tier": "premium", "features": features}, "delete_keys": ["old"]})
    assert patched.json()["username"] == member.username
    expected = {"theme": "dark", "size": 14, "tier": "premium", "features": features}
    assert patched.json()["metadata"] == metadata(world, member) == expected
    replacement = {"accountType": "enterprise", "region": "US"}
    act("PUT", {"metadata": replacement})
    assert metadata(world, member) == replacement
    assert act("DELETE").status_code == 204
    assert metadata(world, member) == {}
    assert metadata(world, world.admin) == {}


def test_a_member_from_another_tenant_can_use_the_platform(world: World) -> None:
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::viewer"])
    assert ask(world, "PATCH", guest).status_code == 200
    assert ask(world, "GET", world.admin, guest.username).json()["metadata"] == {"a": 1}


@EACH_METHOD
def test_users_may_give_their_own_username(world: World, method: str) -> None:
    assert ask(world, method, world.member, world.member.username).is_success


@EACH_METHOD
@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_both_authorization_schemes_are_accepted(world: World, method: str, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {world.member.token}"}
    response = world.member.rest(method, world.platform_key, METHODS[method], headers=headers)
    assert response.is_success


@EACH_METHOD
@pytest.mark.parametrize("header", [None, "", "Token", "Token nonsense", "Basic {token}", "{token}"])
def test_a_missing_or_invalid_authorization_is_401(world: World, method: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=world.member.token)}
    response = world.service.client.request(
        method, REST, params={"platform_key": world.platform_key}, json=METHODS[method], headers=headers
    )
    assert outcome(response) == NO_CALLER
    reason = ' error="invalid_token", error_description="The access token is not valid."'
    assert response.headers["www-authenticate"] == f"Token{reason if header == 'Token nonsense' else ''}"


@EACH_METHOD
@pytest.mark.parametrize("platform_key", [None, ""])
def test_a_missing_platform_key_is_400(world: World, method: str, platform_key: str | None) -> None:
    assert outcome(world.member.rest(method, platform_key, METHODS[method])) == NO_KEY


@EACH_METHOD
def test_an_unknown_platform_and_a_foreign_one_have_the_same_error(world: World, method: str) -> None:
    for caller in (world.member, world.admin):
        for key in ("no-such-platform", world.other_platform_key):
            assert outcome(caller.rest(method, key, METHODS[method])) == NO_PLATFORM


@EACH_METHOD
def test_only_admins_may_give_the_username_of_others_whether_they_exist_or_not(
    world: World, method: str
) -> None:
    for username in (world.colleague.username, world.stranger.username, "no_such_user"):
        assert outcome(ask(world, method, world.member, username)) == NOT_ADMIN
    assert metadata(world, world.colleague) == {}


@EACH_METHOD
def test_an_admin_of_another_tenant_is_not_an_admin_of_the_platform(world: World, method: str) -> None:
    guest = world.new_user(
        world.other_tenant_id,
        permissions=[f"{world.tenant_id}::viewer", f"{world.other_tenant_id}::admin"],
    )
    assert outcome(ask(world, method, guest, world.member.username)) == NOT_ADMIN


@EACH_METHOD
def test_an_unknown_user_and_one_not_on_the_platform_have_the_same_error(world: World, method: str) -> None:
    for username in ("no_such_user", world.stranger.username):
        assert outcome(ask(world, method, world.admin, username)) == NO_USER


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("content", [b"{}", b"", b"not json"])
def test_each_check_comes_before_the_next(world: World, method: str, content: bytes) -> None:
    """Every request has two errors that are checked one after the other, and an invalid body."""
    other, unknown = world.colleague.username, "no_such_user"
    client, platform = world.service.client, world.platform_key
    no_token, member, admin = "", f"Token {world.member.token}", f"Token {world.admin.token}"
    for authorization, params, expected in (
        (no_token, {}, NO_CALLER),
        (no_token, {"platform_key": "unknown", "username": other}, NO_CALLER),
        (member, {"platform_key": "", "username": other}, NO_KEY),
        (member, {"platform_key": "unknown", "username": other}, NO_PLATFORM),
        (member, {"platform_key": platform, "username": unknown}, NOT_ADMIN),
        (admin, {"platform_key": platform, "username": unknown}, NO_USER),
    ):
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        response = client.request(method, REST, params=params, content=content, headers=headers)
        assert outcome(response) == expected


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "TRACE"])
def test_another_method_is_405_with_the_allowed_methods(world: World, method: str) -> None:
    response = world.member.rest(method, world.platform_key)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "PATCH", "PUT", "DELETE"}
