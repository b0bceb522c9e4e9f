"""The OpenFeature Remote Evaluation Protocol: statuses, bodies and error codes, and who evaluates whom."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.access.test_scopes import limited
from tests.support.definitions import patch, set_entries
from tests.support.flags import define_flag, evaluations, instant_text, variant
from tests.support.world import Caller, World

FLAG = {"metadataKey": "beta", "metadataValue": "true", "valueType": "boolean"}


def ofrep(
    caller: Caller, world: World, target: str, key: str | None = None, *, platform: str = "", **headers: str
) -> httpx.Response:
    """Evaluate all flags, or one, for a targeting key."""
    return post(caller, world, {"context": {"targetingKey": target}}, key, platform=platform, **headers)


def post(
    caller: Caller,
    world: World,
    body: Any,
    key: str | None = None,
    *,
    platform: str = "",
    **headers: str,
) -> httpx.Response:
    path = f"/platforms/{platform or world.platform_key}/ofrep/v1/evaluate/flags"
    return world.service.client.post(
        path if key is None else f"{path}/{quote(key, safe='')}",
        **({"content": body} if isinstance(body, bytes) else {"json": body}),
        headers={"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def flags(response: httpx.Response) -> dict[str, Any]:
    """The flags of a bulk response by their keys."""
    assert response.status_code == 200, response.text
    return {each.pop("key"): each for each in response.json()["flags"]}


def define_some(world: World) -> None:
    define_flag(world, "split", default=False, variants=[variant("on", True, 100_000)])
    define_flag(world, "theme", "string", default="dark")
    define_flag(world, "size", "number", default=2)
    define_flag(world, "config", "json", default={"a": [1]})
    define_flag(world, "none")
    define_flag(world, "off", default=False, variants=[variant("on", True, 100_000)], enabled=False)
    define_flag(world, "notAFlag", "string", category="other", default="x")


def test_all_flags_are_evaluated_at_once(world: World) -> None:
    define_some(world)
    define_flag(world, "list", "json", default=[1])
    define_flag(world, "broken", "number", default=1)
    patch(world.member, world, {"theme": "light", "plain": 1})
    set_entries(world.member, world, FLAG | {"metadataKey": "mine", "category": "feature_flags"})
    assert flags(ofrep(world.member, world, world.member.id)) == {
        "broken": {"value": 1, "reason": "STATIC", "variant": "default"},
        "config": {"value": {"a": [1]}, "reason": "STATIC", "variant": "default"},
        "list": {
            "errorCode": "GENERAL",
            "errorDetails": "The protocol has no flags whose values are lists or null.",
        },
        "mine": {"value": True, "reason": "TARGETING_MATCH", "variant": "override"},
        "none": {"reason": "STATIC", "variant": "default"},
        "off": {"value": False, "reason": "DISABLED", "variant": "default"},
        "size": {"value": 2, "reason": "STATIC", "variant": "default"},
        "split": {"value": True, "reason": "SPLIT", "variant": "on"},
        "theme": {"value": "light", "reason": "TARGETING_MATCH", "variant": "override"},
    }
    assert ofrep(world.member, world, world.member.id, "list").status_code == 400


def test_one_flag_is_evaluated(world: World) -> None:
    define_some(world)
    define_flag(world, "a/b %~ü", "string", default="x")
    response = ofrep(world.member, world, world.member.username.upper(), "split")
    assert response.json() == {"key": "split", "value": True, "reason": "SPLIT", "variant": "on"}
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Vary"] == "Authorization"
    assert ofrep(world.member, world, world.member.id, "a/b %~ü").json()["value"] == "x"
    for key in ("notAFlag", "unknown"):
        response = ofrep(world.member, world, world.member.id, key)
        assert (response.status_code, response.json()) == (
            404,
            {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"There is no flag '{key}'."},
        )


def test_a_broken_entry_has_the_reason_unknown(world: World) -> None:
    patch(world.member, world, {"size": "wrong"})
    define_flag(world, "size", "number", default=1, force=True)
    assert flags(ofrep(world.member, world, world.member.id)) == {
        "size": {"value": 1, "reason": "UNKNOWN", "variant": "default"}
    }


def test_the_entity_tag_changes_with_what_decides_the_flags(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    define_flag(world, "beta", default=False, isEditable=False)
    now = world.service.services.clock()
    tags = [ofrep(world.member, world, world.member.id).headers["ETag"]]

    def is_modified() -> bool:
        response = ofrep(world.member, world, world.member.id, If_None_Match=tags[-1])
        tags.append(response.headers["ETag"])
        assert (response.status_code == 304) == (tags[-1] == tags[-2])
        assert (response.content == b"") == (response.status_code == 304)
        return response.status_code == 200

    assert not is_modified()
    patch(world.member, world, {"noFlag": 1})
    assert not is_modified()
    define_flag(world, "beta", default=True, isEditable=False)
    assert is_modified()
    window = {"validFrom": instant_text(now + 60_000), "validUntil": instant_text(now + 120_000)}
    set_entries(
        world.admin, world, FLAG | {"metadataValue": "false"} | window, username=world.member.username
    )
    assert not is_modified()
    monkeypatch.setattr(world.service, "clock_offset", 90_000)
    assert is_modified()
    assert not is_modified()
    monkeypatch.setattr(world.service, "clock_offset", 130_000)
    assert is_modified()
    for tag in (tags[-1].strip('"'), f"W/{tags[-1]}", f'"x", {tags[-1]}', "*"):
        assert ofrep(world.member, world, world.member.id, If_None_Match=tag).status_code == 304


BAD: list[tuple[Any, str]] = [
    (b"{", "PARSE_ERROR"),
    (b"", "PARSE_ERROR"),
    (b'{"context": {"targetingKey": "\\u0000"}}', "PARSE_ERROR"),
    ([], "INVALID_CONTEXT"),
    ({}, "INVALID_CONTEXT"),
    ({"context": []}, "INVALID_CONTEXT"),
    ({"context": {}}, "TARGETING_KEY_MISSING"),
    ({"context": {"targetingKey": ""}}, "TARGETING_KEY_MISSING"),
    ({"context": {"targetingKey": None}}, "TARGETING_KEY_MISSING"),
    ({"context": {"targetingKey": 1}}, "INVALID_CONTEXT"),
    ({"context": {"targetingKey": "x" * 256}}, "INVALID_CONTEXT"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_a_malformed_request_has_the_error_of_the_protocol(world: World, body: Any, code: str) -> None:
    define_flag(world, "beta")
    response = post(world.member, world, body)
    assert (response.status_code, response.json()["errorCode"]) == (400, code)
    assert response.json().keys() == {"errorCode", "errorDetails"}
    response = post(world.member, world, body, "beta")
    assert (response.status_code, response.json()["errorCode"]) == (400, code)
    assert response.json()["key"] == "beta"


def test_another_content_type_is_not_parsed(world: World) -> None:
    response = post(world.member, world, b'{"context": {"targetingKey": "x"}}', Content_Type="text/plain")
    assert (response.status_code, response.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_the_token_is_needed_and_checked(world: World) -> None:
    path = f"/platforms/{world.platform_key}/ofrep/v1/evaluate/flags"
    response = world.service.client.post(path, json={"context": {"targetingKey": "x"}})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    forged = Caller(world.service, world.member.user, world.member.token[:-1])
    assert ofrep(forged, world, world.member.id).status_code == 401
    response = world.service.client.get(path)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(("scopes", "status"), [({"EVALUATE"}, 200), ({"READ", "WRITE", "EVENTS"}, 403)])
def test_a_token_needs_the_scope(world: World, scopes: set[str], status: int) -> None:
    define_flag(world, "beta")
    token = limited(world.member, scopes)
    for key in (None, "beta"):
        assert ofrep(token, world, world.member.id, key).status_code == status


def test_a_token_is_limited_to_its_platforms(world: World) -> None:
    define_flag(world, "beta", default=True, userWideFallback=True, isEditable=True)
    set_entries(world.member, world, FLAG | {"metadataValue": "false"}, platformKey=None)
    token = limited(world.member, {"EVALUATE"}, [world.platform_key])
    assert flags(ofrep(token, world, world.member.id))["beta"]["value"] is False
    token = limited(world.member, {"EVALUATE"}, ["another"])
    assert ofrep(token, world, world.member.id).status_code == 403


def test_members_evaluate_themselves_only(world: World) -> None:
    define_flag(world, "beta", default=False)
    answers = [
        ofrep(world.member, world, target, key)
        for target in (world.colleague.id, world.colleague.username, "nobody", world.stranger.id)
        for key in (None, "beta", "unknown")
    ]
    assert {each.status_code for each in answers} == {403}
    assert len({each.json()["errorDetails"] for each in answers}) == 1
    for caller in (world.stranger, world.foreign_admin):
        response = ofrep(caller, world, caller.id, "beta")
        assert (response.status_code, response.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
        missing = ofrep(caller, world, caller.id, "beta", platform="none")
        assert missing.json() == response.json()
        assert ofrep(caller, world, world.member.id).status_code == 404
    assert ofrep(world.owner, world, world.member.id).status_code == 200


@pytest.mark.parametrize("who", ["admin", "owner"])
def test_a_token_with_the_scope_of_an_admin_evaluates_anybody(world: World, who: str) -> None:
    admin: Caller = getattr(world, who)
    define_flag(world, "beta", default=False, isPublic=False, isEditable=False, clientVisible=False)
    define_flag(world, "split", "string", variants=[variant("on", "x", 50_000)])
    set_entries(world.admin, world, FLAG, username=world.member.username)
    token = limited(admin, {"EVALUATE"})
    for target in (world.member.id, world.member.username):
        found = flags(ofrep(token, world, target))
        assert found["beta"] == {"value": True, "reason": "TARGETING_MATCH", "variant": "override"}
        assert found["split"]["variant"] == (evaluations(world.member, world)["split"][2] or "default")
    for target in ("visitor-1", world.stranger.username, world.stranger.id):
        assert flags(ofrep(token, world, target))["beta"] == {
            "value": False,
            "reason": "STATIC",
            "variant": "default",
        }
    seen = {flags(ofrep(token, world, f"visitor-{index}"))["split"]["reason"] for index in range(40)}
    assert seen == {"SPLIT", "STATIC"}
    # It is good for nothing else.
    assert token.rest("GET", world.platform_key).status_code == 403
    assert "errors" in token.graphql("{ me { username } }")
    elsewhere = ofrep(token, world, world.stranger.id, platform=world.other_platform_key)
    assert elsewhere.status_code == (200 if who == "owner" else 404)


def test_a_token_of_a_former_admin_evaluates_nobody_else(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    define_flag(world, "beta", default=False, clientVisible=False)
    token = limited(admin, {"EVALUATE"})
    assert ofrep(token, world, world.member.id, "beta").status_code == 200
    update = """mutation ($name: String!) { updateUser(input: {username: $name, permissions: []}) {
      userErrors { code } } }"""
    assert world.admin.ask(update, name=admin.username)["updateUser"]["userErrors"] == []
    assert ofrep(token, world, world.member.id, "beta").status_code == 403
    assert ofrep(token, world, admin.id, "beta").status_code == 404


def test_the_entries_of_a_former_guest_do_not_count(world: World) -> None:
    define_flag(world, "theme", "string", default="light")
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::guest"])
    patch(guest, world, {"theme": "dark"})
    assert flags(ofrep(world.admin, world, guest.id))["theme"]["value"] == "dark"
    update = """mutation ($name: String!) { updateUser(input: {username: $name, permissions: []}) {
      userErrors { code } } }"""
    assert world.owner.ask(update, name=guest.username)["updateUser"]["userErrors"] == []
    assert flags(ofrep(world.admin, world, guest.id))["theme"]["value"] == "light"


def test_nobody_switches_a_flag_on_that_is_not_theirs(world: World) -> None:
    patch(world.member, world, {"beta": True})
    define_flag(world, "beta", default=False, isEditable=False, userWideFallback=True)
    define_flag(world, "internal", default=False, isEditable=False, clientVisible=False)
    hidden = {"isPublic": False, "isEditable": False, "isIndexed": True, "source": "admin_panel"}
    for platform in (world.platform_key, None):
        for entry in (FLAG, FLAG | {"metadataKey": "internal"}, FLAG | hidden):
            set_entries(world.member, world, entry, platformKey=platform)
    seen = flags(ofrep(world.member, world, world.member.id))
    assert seen == {"beta": {"value": False, "reason": "STATIC", "variant": "default"}}
    assert ofrep(world.member, world, world.member.id, "internal").status_code == 404
    as_admin = flags(ofrep(world.admin, world, world.member.id))
    assert as_admin == {
        "beta": {"value": False, "reason": "STATIC", "variant": "default"},
        "internal": {"value": False, "reason": "STATIC", "variant": "default"},
    }
