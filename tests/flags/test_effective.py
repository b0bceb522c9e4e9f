"""Effective values: which of entry, user-wide entry, variant and default decides, and for whom."""

from base64 import b64encode
from typing import Any

import pytest

from tests.support.definitions import patch, set_entries
from tests.support.flags import define_flag, evaluations, instant_text, try_to_define, variant
from tests.support.service import serving
from tests.support.world import World

ON, OFF = variant("on", True, 100_000), variant("off", False, 100_000)
PLATFORM = {"platformKey": None}


def test_an_entry_beats_a_variant_and_a_variant_beats_the_default(world: World) -> None:
    define_flag(world, "entry", default=False, variants=[OFF])
    define_flag(world, "variant", default=False, variants=[ON])
    define_flag(world, "default", default=False, variants=[variant("on", True, 0)])
    define_flag(world, "nothing")
    patch(world.member, world, {"entry": True, "other": [1]})
    assert evaluations(world.member, world) == {
        "default": (False, "DEFAULT", None),
        "entry": (True, "TARGETING_MATCH", None),
        "nothing": (None, "DEFAULT", None),
        "other": ([1], "TARGETING_MATCH", None),
        "variant": (True, "SPLIT", "on"),
    }
    assert evaluations(world.member, world, keys=["variant", "none", "variant"]).keys() == {"variant"}
    assert evaluations(world.member, world, category="feature_flags").keys() == {
        "default", "entry", "nothing", "variant",
    }  # fmt: skip
    assert evaluations(world.member, world, category="other") == {}
    assert evaluations(world.admin, world, world.member.username) == evaluations(world.member, world)


def test_a_disabled_key_has_its_default_for_everybody(world: World) -> None:
    define_flag(world, "flag", default=False, variants=[ON])
    patch(world.member, world, {"flag": True})
    assert evaluations(world.member, world)["flag"] == (True, "TARGETING_MATCH", None)
    define_flag(world, "flag", default=False, variants=[ON], enabled=False)
    assert evaluations(world.member, world)["flag"] == (False, "DISABLED", None)
    define_flag(world, "flag", variants=[ON], enabled=False)
    assert evaluations(world.colleague, world)["flag"] == (None, "DISABLED", None)


def test_entries_count_in_their_window_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    define_flag(world, "beta", default=False, isPublic=False, isEditable=False)
    now = world.service.services.clock()
    set_entries(
        world.admin, world,
        {"metadataKey": "beta", "metadataValue": "true", "valueType": "boolean"}
        | {"validFrom": instant_text(now + 60_000), "validUntil": instant_text(now + 120_000)},
        username=world.member.username,
    )  # fmt: skip
    seen = []
    for offset in (0, 90_000, 130_000):
        monkeypatch.setattr(world.service, "clock_offset", offset)
        seen.append(evaluations(world.member, world)["beta"][:2])
    assert seen == [(False, "DEFAULT"), (True, "TARGETING_MATCH"), (False, "DEFAULT")]


AS_OF = """query ($key: String!, $username: String, $at: DateTime) {
  platformMetadata(platformKey: $key, username: $username) { effective(asOf: $at) } }"""


def test_the_future_is_told_only_as_far_as_it_is_seen_now(world: World) -> None:
    define_flag(world, "beta", default=False, isEditable=False)
    now = world.service.services.clock()
    set_entries(
        world.admin, world,
        {"metadataKey": "beta", "metadataValue": "true", "valueType": "boolean"}
        | {"validFrom": instant_text(now + 600_000)},
        {"metadataKey": "ends", "metadataValue": "x", "isPublic": True}
        | {"validUntil": instant_text(now + 600_000)},
        username=world.member.username,
    )  # fmt: skip

    def effective(caller: Any, at: int) -> Any:
        body = caller.graphql(
            AS_OF, key=world.platform_key, username=world.member.username, at=instant_text(at)
        )
        if "errors" in body:
            return body["errors"][0]["extensions"]["code"]
        return body["data"]["platformMetadata"]["effective"]

    assert effective(world.admin, now + 700_000) == {"beta": True}
    assert effective(world.member, now + 700_000) == {"beta": False}
    assert effective(world.member, now + 500_000) == {"beta": False, "ends": "x"}
    assert effective(world.admin, now + 500_000) == {"beta": False, "ends": "x"}
    assert effective(world.admin, now - 500_000) == "BAD_USER_INPUT"


def test_an_entry_that_breaks_the_definition_is_skipped(world: World) -> None:
    patch(world.member, world, {"size": 12, "count": 12})
    define_flag(world, "size", "number", maximum=10, default=3, force=True)
    define_flag(world, "count", "string", variants=[variant("all", "x", 100_000)], force=True)
    assert evaluations(world.member, world) == {
        "count": ("x", "ERROR", "all"),
        "size": (3, "ERROR", None),
    }
    assert evaluations(world.colleague, world)["size"] == (3, "DEFAULT", None)


def test_user_wide_values_count_where_the_definition_says_so(world: World) -> None:
    set_entries(world.member, world, *_texts(theme="dark", size="wrong", locked="mine", off="x"), **PLATFORM)
    set_entries(
        world.admin, world, {"metadataKey": "granted", "metadataValue": "yes", "isEditable": False},
        username=world.member.username, **PLATFORM,
    )  # fmt: skip
    for key in ("theme", "own"):
        define_flag(world, key, "string", default="none", userWideFallback=True)
    for key in ("locked", "granted"):
        define_flag(world, key, "string", default="none", userWideFallback=True, isEditable=False)
    define_flag(world, "size", "number", default=1, userWideFallback=True)
    define_flag(world, "off", "string", default="none")
    assert evaluations(world.member, world) == {
        "granted": ("yes", "TARGETING_MATCH", None),
        "locked": ("none", "DEFAULT", None),
        "off": ("none", "DEFAULT", None),
        "own": ("none", "DEFAULT", None),
        "size": (1, "DEFAULT", None),
        "theme": ("dark", "TARGETING_MATCH", None),
    }
    patch(world.member, world, {"theme": "light"})
    assert evaluations(world.admin, world, world.member.username)["theme"][0] == "light"


def test_the_user_wide_document_of_a_guest_does_not_count(world: World) -> None:
    define_flag(world, "theme", "string", default="none", userWideFallback=True)
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::guest"])
    set_entries(guest, world, *_texts(theme="dark"), **PLATFORM)
    assert evaluations(guest, world)["theme"] == ("none", "DEFAULT", None)


SOURCES = """query ($key: String!, $username: String!) { user(by: {username: $username}) {
  platformMetadata(platformKey: $key) {
    now: evaluations { key value reason source }
    without: evaluations(withoutEntries: true) { key value reason source } } } }"""


def test_each_key_can_be_evaluated_without_the_entry(world: World) -> None:
    set_entries(world.member, world, *_texts(wide="account", both="account"), **PLATFORM)
    for key in ("wide", "both"):
        define_flag(world, key, "string", default="none", userWideFallback=True)
    define_flag(world, "split", default=False, variants=[ON])
    define_flag(world, "off", default=False, enabled=False)
    define_flag(world, "nothing", "string")
    patch(world.member, world, {"size": 12, "both": "own", "split": False, "off": True, "other": 1})
    define_flag(world, "size", "number", maximum=10, default=3, force=True)
    arguments = {"key": world.platform_key, "username": world.member.username}
    read = world.admin.ask(SOURCES, **arguments)["user"]["platformMetadata"]
    found = {
        name: {each["key"]: (each["value"], each["reason"], each["source"]) for each in read[name]}
        for name in read
    }
    unchanged = {
        "nothing": (None, "DEFAULT", None),
        "off": (False, "DISABLED", "DEFAULT"),
        "wide": ("account", "TARGETING_MATCH", "USER_WIDE_ENTRY"),
    }
    assert found["now"] == unchanged | {
        "both": ("own", "TARGETING_MATCH", "ENTRY"),
        "other": (1, "TARGETING_MATCH", "ENTRY"),
        "size": (3, "ERROR", "DEFAULT"),
        "split": (False, "TARGETING_MATCH", "ENTRY"),
    }
    assert found["without"] == unchanged | {
        "both": ("account", "TARGETING_MATCH", "USER_WIDE_ENTRY"),
        "size": (3, "DEFAULT", "DEFAULT"),
        "split": (True, "SPLIT", "VARIANT"),
    }
    assert world.member.ask(SOURCES, **arguments)["user"]["platformMetadata"] == read


def test_users_do_not_learn_what_is_behind_entries_that_they_cannot_delete(world: World) -> None:
    for key in ("own", "locked", "hidden"):
        define_flag(world, key, "string", default=f"default of {key}")
    patch(world.member, world, {"own": "mine"})
    set_entries(
        world.admin, world,
        {"metadataKey": "locked", "metadataValue": "set", "isPublic": True, "isEditable": False},
        {"metadataKey": "hidden", "metadataValue": "set", "isPublic": False, "isEditable": True},
        username=world.member.username,
    )  # fmt: skip
    arguments = {"key": world.platform_key, "username": world.member.username}
    seen = {}
    for caller in (world.member, world.admin):
        without = caller.ask(SOURCES, **arguments)["user"]["platformMetadata"]["without"]
        seen[caller] = {each["key"]: each["value"] for each in without}
    assert seen[world.member] == {"own": "default of own", "locked": "set", "hidden": "set"}
    assert seen[world.admin] == {key: f"default of {key}" for key in ("own", "locked", "hidden")}


def test_a_page_of_users_has_the_values_of_each(world: World) -> None:
    define_flag(world, "theme", "string", default="none", userWideFallback=True)
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::guest"])
    for caller, value in ((world.member, "dark"), (world.colleague, "light"), (guest, "red")):
        set_entries(caller, world, *_texts(theme=value), **PLATFORM)
    query = """query ($key: String!) { platform(key: $key) { users(first: 9) { nodes {
      userId platformMetadata(platformKey: $key) { effective } } } } }"""
    users = world.admin.ask(query, key=world.platform_key)["platform"]["users"]["nodes"]
    found = {each["userId"]: each["platformMetadata"]["effective"]["theme"] for each in users}
    assert found == {
        world.member.id: "dark", world.colleague.id: "light", world.admin.id: "none", guest.id: "none",
    }  # fmt: skip


def test_a_user_cannot_switch_on_what_is_not_theirs(world: World) -> None:
    # Before the admin defines the flag, the user takes its key.
    patch(world.member, world, {"beta": True})
    define_flag(world, "beta", default=False, isEditable=False, userWideFallback=True)
    set_entries(world.member, world, {"metadataKey": "beta", "metadataValue": "true", "valueType": "boolean"})
    set_entries(
        world.member, world,
        {"metadataKey": "beta", "metadataValue": "true", "valueType": "boolean"}, **PLATFORM,
    )  # fmt: skip
    assert evaluations(world.member, world)["beta"] == (False, "DEFAULT", None)
    set_entries(
        world.admin, world, {"metadataKey": "beta", "isEditable": False}, username=world.member.username
    )
    assert evaluations(world.member, world)["beta"] == (True, "TARGETING_MATCH", None)


def test_hidden_entries_decide_flags_but_are_not_told_otherwise(world: World) -> None:
    define_flag(world, "flag", default=False, isPublic=False, isEditable=False)
    define_flag(world, "secretFlag", default=False, isEditable=False, clientVisible=False)
    define_flag(world, "stripe", "string", default="none", isPublic=False, category="integrations")
    define_flag(world, "rating", "string", default="none", category="crm")
    set_entries(
        world.admin, world,
        {"metadataKey": "flag", "metadataValue": "true"},
        {"metadataKey": "secretFlag", "metadataValue": "true"},
        {"metadataKey": "stripe", "metadataValue": "cus_1"},
        {"metadataKey": "rating", "metadataValue": "bad", "isPublic": False},
        {"metadataKey": "undefined", "metadataValue": "x", "isPublic": False, "category": "feature_flags"},
        username=world.member.username,
    )  # fmt: skip
    assert evaluations(world.member, world) == {
        "flag": (True, "TARGETING_MATCH", None),
        "rating": ("none", "DEFAULT", None),
    }
    assert evaluations(world.admin, world, world.member.username) == {
        "flag": (True, "TARGETING_MATCH", None),
        "rating": ("bad", "TARGETING_MATCH", None),
        "secretFlag": (True, "TARGETING_MATCH", None),
        "stripe": ("cus_1", "TARGETING_MATCH", None),
        "undefined": ("x", "TARGETING_MATCH", None),
    }
    metadata = "query ($key: String!) { platformMetadata(platformKey: $key) { metadata } }"
    assert world.member.ask(metadata, key=world.platform_key)["platformMetadata"]["metadata"] == {}
    read = "query ($key: String!) { platform(key: $key) { definitions { key } } }"
    listed = world.member.ask(read, key=world.platform_key)["platform"]["definitions"]
    assert [each["key"] for each in listed] == ["rating"]


def test_encrypted_entries_are_evaluated(database_url: str) -> None:
    key = b64encode(bytes(32)).decode()
    with serving(database_url, encryption_keys={"k1": key}) as service:
        _evaluate_encrypted(World(service))


def _evaluate_encrypted(world: World) -> None:
    define_flag(world, "secret", "string", default="none", isEncrypted=True, minLength=3)
    patch(world.member, world, {"secret": "hush"})
    assert evaluations(world.member, world)["secret"] == ("hush", "TARGETING_MATCH", None)


def test_without_a_platform_the_entries_are_the_effective_values(world: World) -> None:
    set_entries(world.member, world, *_texts(theme="dark"), **PLATFORM)
    query = "{ me { userMetadata { effective evaluations { key reason } } } }"
    assert world.member.ask(query)["me"]["userMetadata"] == {
        "effective": {"theme": "dark"},
        "evaluations": [{"key": "theme", "reason": "TARGETING_MATCH"}],
    }


def _texts(**values: str) -> list[dict[str, str]]:
    return [{"metadataKey": key, "metadataValue": value} for key, value in values.items()]


def test_what_a_settings_page_needs_is_kept(world: World) -> None:
    presentation = {"title": "Theme", "section": "Look", "position": -3}
    definition = define_flag(
        world, "theme", "string", default="dark", choices=["dark", "light"], salt="s", **presentation
    )
    assert {name: definition[name] for name in presentation} == presentation
    assert definition["default"] == "dark"
    assert (definition["enabled"], definition["variants"], definition["salt"]) == (True, [], "s")
    assert (definition["userWideFallback"], definition["clientVisible"]) == (False, True)
    definition = define_flag(world, "theme", "string")
    assert [definition[name] for name in ("default", "title", "section", "position")] == [None] * 4


@pytest.mark.parametrize(
    ("inputs", "field", "message"),
    [
        ({"default": "x"}, ["default"], "not a value of the type number"),
        ({"default": 11}, ["default"], "`maximum`: it must be at most 10"),
        ({"variants": [variant("a", 11, 1)]}, ["variants", "0", "value"], "at most 10"),
        ({"variants": [variant("a", "1", 1)]}, ["variants", "0", "value"], "type number"),
        ({"variants": [variant("a", 1, 1), variant("a", 2, 1)]}, ["variants", "1", "name"], "this name"),
        ({"variants": [variant("", 1, 1)]}, ["variants", "0", "name"], "1 to 100 characters"),
        ({"variants": [variant("a", 1, -1)]}, ["variants", "0", "weight"], "from 0 to 100000"),
        ({"variants": [variant("a", 1, 100_001)]}, ["variants", "0", "weight"], "from 0 to 100000"),
        (
            {"variants": [variant("a", 1, 60_000), variant("b", 1, 40_001)]},
            ["variants"],
            "add up to 100001",
        ),
        ({"salt": "x" * 101}, ["salt"], "0 to 100 characters"),
        ({"title": "x" * 101}, ["title"], "at most 100 characters"),
    ],
)
def test_defaults_and_variants_must_satisfy_the_definition(
    world: World, inputs: dict[str, Any], field: list[str], message: str
) -> None:
    before = define_flag(world, "size", "number", maximum=10, default=5)
    payload = try_to_define(world, "size", "number", maximum=10, **inputs)
    (error,) = payload["userErrors"]
    assert payload["definition"] is None
    assert error["field"] == field
    assert message in error["message"]
    assert define_flag(world, "size", "number", maximum=10, default=5) == before


def test_other_rules_are_checked_with_the_default_and_the_variants(world: World) -> None:
    define_flag(world, "size", "number", default=5, variants=[variant("a", 7, 10)])
    for inputs in ({"default": 5, "maximum": 4}, {"variants": [variant("a", 7, 10)], "maximum": 6}):
        (error,) = try_to_define(world, "size", "number", **inputs)["userErrors"]
        assert error["code"] == "INVALID_DEFINITION"


def test_a_rollout_moves_nobody_out(world: World) -> None:
    """From 1 % to 100 % in steps, and an experiment beside it."""
    members = [world.new_user() for _ in range(30)]
    inside: set[str] = set()
    for weight in (1000, 10_000, 40_000, 80_000, 100_000):
        define_flag(world, "flag", default=False, variants=[variant("on", True, weight)])
        found = {each.id for each in members if evaluations(each, world)["flag"][1] == "SPLIT"}
        assert inside <= found
        inside = found
    assert len(inside) == len(members)
    define_flag(world, "flag", default=False, variants=[variant("on", True, 0)])
    assert {evaluations(each, world)["flag"] for each in members} == {(False, "DEFAULT", None)}


def test_another_salt_shuffles_the_users(world: World) -> None:
    members = [world.new_user() for _ in range(30)]
    splits = []
    for salt in ("", "second", ""):
        define_flag(world, "flag", default=False, variants=[variant("on", True, 50_000)], salt=salt)
        splits.append({each.id for each in members if evaluations(each, world)["flag"][1] == "SPLIT"})
    assert splits[0] == splits[2]
    assert splits[0] != splits[1]


def test_a_flag_is_switched_without_checking_all_documents(world: World) -> None:
    patch(world.member, world, {"flag": "broken"})
    assert try_to_define(world, "flag", default=True, force=True)["brokenDocuments"] == 1
    payload = try_to_define(world, "flag", default=True, enabled=False)
    assert (payload["brokenDocuments"], payload["userErrors"]) == (0, [])
    assert try_to_define(world, "flag", default=True, enabled=False)["brokenDocuments"] == 1
