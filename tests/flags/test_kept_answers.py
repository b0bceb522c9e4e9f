"""The flags of a user are kept as an answer until something changes, in whichever process."""

from typing import Any

import pytest

from tests.flags.test_ofrep import FLAG, flags, ofrep
from tests.support.definitions import patch, set_entries
from tests.support.flags import define_flag
from tests.support.http_clients import http_client
from tests.support.service import serving
from tests.support.world import World

CLEAR = """mutation ($key: String!) {
  clearPlatformMetadata(input: {platformKey: $key}) { userErrors { code } } }"""


def beta(world: World) -> Any:
    return flags(ofrep(world.member, world, world.member.id))["beta"]["value"]


def test_a_repeated_evaluation_reads_the_caller_and_what_decides_the_flags(world: World) -> None:
    define_flag(world, "beta", default=False, userWideFallback=True)
    etag = ofrep(world.member, world, world.member.id).headers["ETag"]
    for headers in ({}, {"If_None_Match": etag}):
        with world.service.statements() as seen:
            ofrep(world.member, world, world.member.id, **headers)
        assert len(seen) == 2, seen
        assert "metadata_definitions" not in str(seen)


def test_every_change_of_the_user_is_seen_at_once(world: World) -> None:
    define_flag(world, "beta", default="none", type_="string", userWideFallback=True)
    assert beta(world) == "none"
    wide = FLAG | {"metadataValue": "wide", "valueType": "string"}
    set_entries(world.member, world, wide, platformKey=None)
    assert beta(world) == "wide"
    patch(world.member, world, {"beta": "own"})
    assert beta(world) == "own"
    world.member.ask(CLEAR, key=world.platform_key)
    assert beta(world) == "wide"
    patch(world.member, world, {"beta": "again"})
    assert beta(world) == "again"


def test_changes_of_another_process_are_seen_at_once(world: World, database_url: str) -> None:
    define_flag(world, "beta", default=False)
    assert beta(world) is False
    with serving(database_url) as other:
        there = world.on(other)
        define_flag(there, "beta", default=True)
        assert (beta(world), beta(there)) == (True, True)
        define_flag(world, "beta", default=False, enabled=False)  # the kill switch
        assert (beta(world), beta(there)) == (False, False)
        define_flag(world, "beta", default=False)
        patch(there.member, there, {"beta": True})
        assert (beta(world), beta(there)) == (True, True)


def test_answers_with_hidden_flags_are_for_admins_alone(world: World) -> None:
    define_flag(world, "beta", default=False)
    define_flag(world, "internal", default=False, clientVisible=False)
    for _ in range(2):
        assert flags(ofrep(world.admin, world, world.member.id)).keys() == {"beta", "internal"}
        assert flags(ofrep(world.member, world, world.member.id)).keys() == {"beta"}
        assert flags(ofrep(world.colleague, world, world.colleague.id)).keys() == {"beta"}


@pytest.mark.parametrize("end", ["", "?x=1", "/", "/b%65ta", "/beta"])
def test_urls_with_and_without_the_shortcut_are_answered_alike(world: World, end: str) -> None:
    define_flag(world, "beta", default=False)
    path = f"/platforms/{world.platform_key}/ofrep/v1/evaluate/flags{end}"
    body = {"context": {"targetingKey": world.member.id}}
    headers = {"Authorization": f"Bearer {world.member.token}"}
    with serving(world.service.settings.database_url, cors_origins=["https://app.example.com"]) as without:
        client = http_client(without.url)
        found = [each.post(path, json=body, headers=headers) for each in (world.service.client, client)]
        client.close()
    assert found[0].status_code == 200
    assert found[0].content == found[1].content
    first, second = (dict(each.headers) for each in found)
    for fields, vary in ((first, "Authorization"), (second, "Authorization, Origin")):
        del fields["date"]
        assert fields.pop("vary") == vary
    assert first == second
