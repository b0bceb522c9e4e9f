"""Operations obey the access rules for writing their keys, and reveal no hidden values."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.documents.test_json_operations import op
from tests.support.http_clients import http_client
from tests.support.patches import PATCH, entries, patch, patched, refused, set_entries
from tests.support.world import World


def set_for_member(world: World, *new_entries: dict[str, Any]) -> None:
    """Set entries of the member, as an admin."""
    payload = set_entries(world.admin, world, *new_entries, username=world.member.username)
    assert payload["userErrors"] == []


def number(**attributes: Any) -> dict[str, Any]:
    return {"metadataKey": "n", "metadataValue": "41", "valueType": "number"} | attributes


def test_an_operation_keeps_the_flags_and_ends_the_window(world: World) -> None:
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    set_for_member(world, number(isPublic=True, isEditable=True, validUntil=until, category="c"))
    assert patched(world.member, world, operations=[op("increment", "/n", by=1)]) == {"n": 42}
    found = entries(world.admin, world, world.member.username)["n"]
    assert (found["isPublic"], found["isEditable"], found["validUntil"]) == (True, True, None)


def test_deleting_a_missing_value_keeps_the_window(world: World) -> None:
    until = "2124-01-01T00:00:00Z"
    set_for_member(
        world, {"metadataKey": "o", "metadataValue": "{}", "valueType": "json", "validUntil": until}
    )
    set_for_member(world, number(isPublic=True, isEditable=True))
    name = world.member.username
    before = entries(world.admin, world, name)
    patched(world.admin, world, username=name, operations=[op("delete", "/o/x"), op("delete", "/o/y/z")])
    assert entries(world.admin, world, name) == before


@pytest.mark.parametrize(
    "operation",
    [
        op("set", "/n", value=1),
        op("increment", "/n", by=1),
    ],
)
def test_a_key_that_is_not_editable_is_refused_whether_public_or_hidden(world: World, operation: Any) -> None:
    for public in (True, False):
        set_for_member(world, number(isPublic=public, isEditable=False))
        assert refused(world.member, world, operations=[operation]) == (
            "KEY_NOT_EDITABLE",
            ["operations", "0", "path"],
        )


def test_deleting_a_key_that_is_not_editable_is_refused_only_where_it_is_public(world: World) -> None:
    set_for_member(world, number(isPublic=True, isEditable=False))
    assert refused(world.member, world, operations=[op("delete", "/n")])[0] == "KEY_NOT_EDITABLE"
    set_for_member(world, number(isPublic=False, isEditable=False))
    before = entries(world.admin, world, world.member.username)
    patched(world.member, world, operations=[op("delete", "/n")])
    assert entries(world.admin, world, world.member.username) == before


def test_no_operation_reveals_a_hidden_value(world: World) -> None:
    """The result of an operation on a hidden, editable key does not depend on its value."""
    tries: list[list[dict[str, Any]]] = [
        [op("increment", "/n", by=1)],
        [op("increment", "/n", by=2**63 - 1)],
        [op("increment", "/n/x", by=1)],
        [op("append", "/n", value=1)],
        [op("set", "/n/0", value=1)],
        [op("delete", "/n/x")],
        [op("delete", "/n")],
        [op("increment", "/n", by=1), op("set", "/n/x", value=1)],
    ]
    for operations in tries:
        outcomes = []
        for value, type_ in (("41", "number"), ("text", "string"), ('{"x": "y"}', "json"), (None, None)):
            colleague = world.new_user()
            if value is not None:
                hidden = number(metadataValue=value, valueType=type_, isEditable=True)
                set_entries(world.admin, world, hidden, username=colleague.username)
            payload = patch(colleague, world, operations=operations)
            written = payload.pop("platformMetadata")
            payload["seen"] = written and written["metadata"].get("n", "nothing")
            outcomes.append(payload)
        for outcome in outcomes[:-1]:
            assert outcome == outcomes[0]
        assert outcomes[0]["userErrors"] == outcomes[-1]["userErrors"]
        assert outcomes[0]["deletedKeys"] == []
        assert outcomes[0]["seen"] in ("nothing", None)


def test_the_revision_does_not_reveal_whether_a_guess_of_a_hidden_value_is_right(world: World) -> None:
    for guess in (
        {"metadata": {"n": 41}},
        {"operations": [op("set", "/n", value=41)]},
        {"metadata": {"n": 40}},
    ):
        set_for_member(world, number(isEditable=True, isPublic=False))
        before = patch(world.member, world, metadata={})["platformMetadata"]["revision"]
        after = patch(world.member, world, **guess)["platformMetadata"]["revision"]
        assert after == before + 1


def test_a_hidden_editable_key_is_written_as_if_it_were_missing(world: World) -> None:
    set_for_member(world, number(isEditable=True))
    operations = [op("increment", "/n", by=1), op("increment", "/n", by=1)]
    assert patched(world.member, world, operations=operations) == {}
    found = entries(world.admin, world, world.member.username)["n"]
    assert (found["value"], found["isPublic"]) == (2, False)
    patched(world.member, world, metadata={"n": 5}, operations=[op("increment", "/n", by=1)])
    assert entries(world.admin, world, world.member.username)["n"]["value"] == 6


def test_operations_of_admins_apply_to_hidden_values(world: World) -> None:
    set_for_member(world, number())
    name = world.member.username
    assert patched(world.admin, world, username=name, operations=[op("increment", "/n", by=1)]) == {"n": 42}


def test_a_key_that_is_deleted_and_set_again_is_a_new_entry(world: World) -> None:
    set_for_member(world, number(isPublic=True, isEditable=True, isIndexed=True, category="c"))
    operations = [op("delete", "/n"), op("set", "/n", value=1)]
    assert patched(world.member, world, operations=operations) == {"n": 1}
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      entry(key: "n") { category isIndexed isPublic createdBy { username } } } }"""
    assert world.member.ask(query, key=world.platform_key)["platformMetadata"]["entry"] == {
        "category": None,
        "isIndexed": False,
        "isPublic": True,
        "createdBy": {"username": world.member.username},
    }


def test_concurrent_increments_by_fifty_clients_are_not_lost(world: World) -> None:
    input = {"platformKey": world.platform_key, "operations": [op("increment", "/stats/visits", by=1)]}

    def count(_: int) -> None:
        with http_client(world.service.url) as client:
            for _ in range(20):
                body = client.post(
                    "/graphql",
                    json={"query": PATCH, "variables": {"input": input}},
                    headers={"Authorization": f"Bearer {world.member.token}"},
                ).json()
                assert body["data"]["patchPlatformMetadata"]["userErrors"] == []

    with ThreadPoolExecutor(50) as clients:
        list(clients.map(count, range(50)))
    final = patch(world.member, world, operations=[])["platformMetadata"]
    assert final == {"metadata": {"stats": {"visits": 1000}}, "revision": 1000}
