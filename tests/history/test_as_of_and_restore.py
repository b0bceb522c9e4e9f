"""Reading a document as of an instant, and restoring an earlier revision."""

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from gql_service.domain.history import point_in_time
from gql_service.domain.maintenance import expiry
from gql_service.store import tables
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from tests.history.test_changes import by_admin, entry, patch, serving_with_keys
from tests.support.clock import HOUR, instant, shifted
from tests.support.entries import ENTRY
from tests.support.history import AS_OF, as_of, changes, values
from tests.support.users import codes
from tests.support.world import Caller, World

RESTORE = f"""mutation ($input: RestorePlatformMetadataInput!) {{ restorePlatformMetadata(input: $input) {{
  platformMetadata {{ metadata revision
    entries(first: 100, includeInactive: true) {{ nodes {{ {ENTRY} }} }} }}
  skippedKeys userErrors {{ code message field ... on RevisionConflict {{ currentRevision }} }} }} }}"""


def restore(world: World, revision: int, **more: Any) -> Any:
    """Restore the member's document, as an admin."""
    arguments = {"platformKey": world.platform_key, "username": world.member.username, "revision": revision}
    return world.admin.ask(RESTORE, input=arguments | more)["restorePlatformMetadata"]


def restored(world: World, revision: int, **more: Any) -> Any:
    payload = restore(world, revision, **more)
    assert payload["userErrors"] == []
    return payload["platformMetadata"]


def now(world: World) -> str:
    """An instant after all earlier writes, and before all later ones."""
    world.service.clock_offset += 2
    return instant(world.service, -1)


@pytest.fixture(autouse=True)
def _clock_back(world: World) -> Any:
    offset = world.service.clock_offset
    yield
    world.service.clock_offset = offset


# asOf


def test_each_instant_shows_the_document_at_that_time(world: World) -> None:
    states: list[tuple[str, dict[str, Any]]] = [(now(world), {})]
    for document in ({"a": 1}, {"a": 1, "b": [1.0]}, {"b": None}, {}, {"a": "again"}):
        world.member.rest("PUT", world.platform_key, {"metadata": document})
        states.append((now(world), document))
    patch(world, a="last")
    for viewer in (world.member, world.admin):
        for at, document in states:
            assert as_of(world, viewer, at, world.member) == document
    assert as_of(world, world.member, states[2][0], keys=["b", "c"]) == {"b": [1.0]}
    assert as_of(world, world.member, instant(world.service)) == {"a": "last"}
    assert as_of(world, world.colleague, states[2][0]) == {}


def test_the_past_has_the_windows_of_that_time_and_entries_that_have_expired_since(world: World) -> None:
    service = world.service
    window = {"validFrom": instant(service, HOUR), "validUntil": instant(service, 2 * HOUR)}
    by_admin(world, entry("a", "windowed", **window), entry("b", "always"))
    middle = instant(service, HOUR + 60_000)
    assert as_of(world, world.admin, middle, world.member) == {
        "a": "windowed",
        "b": "always",
    }  # in the future
    assert as_of(world, world.member, middle) == {"b": "always"}
    with shifted(service, 3 * HOUR):
        patch(world, a="anew", c=1)
        for _ in range(2):
            assert as_of(world, world.member, instant(service, -3 * HOUR)) == {"b": "always"}
            assert as_of(world, world.member, middle) == {"a": "windowed", "b": "always"}
            assert as_of(world, world.member, instant(service, -HOUR + 60_000)) == {"b": "always"}
            service.run(lambda: expiry.sweep(service.services.database, service.services.clock))


@pytest.mark.parametrize("swept", [False, True])
def test_the_past_is_the_same_before_and_after_a_sweep(world: World, swept: bool) -> None:
    service = world.service
    by_admin(world, entry("a", "short", validUntil=instant(service, HOUR)), entry("ended", "v"))
    by_admin(world, entry("ended", "v", validUntil=instant(service, HOUR)))
    by_admin(world, deleteKeys=["ended"])
    with shifted(service, 2 * HOUR):
        if swept:
            service.run(lambda: expiry.sweep(service.services.database, service.services.clock))
        assert as_of(world, world.member, instant(service, -2 * HOUR)) == {"a": "short"}
        assert as_of(world, world.member, instant(service, -HOUR)) == {}
        assert as_of(world, world.member, instant(service)) == {}


def test_a_user_sees_past_entries_that_were_visible_and_are_not_hidden_now(world: World) -> None:
    by_admin(world, entry("closed", 'once"public'), entry("opened", "secret", isPublic=False))
    at = now(world)
    by_admin(world, entry("closed", "v", isPublic=False), entry("opened", "v"))
    assert as_of(world, world.member, at) == {}
    assert as_of(world, world.admin, at, world.member) == {"closed": 'once"public', "opened": "secret"}
    by_admin(world, deleteKeys=["closed"])
    assert as_of(world, world.member, at) == {"closed": 'once"public'}


def test_past_encrypted_values_are_left_out_unless_they_are_current(
    fresh_database_url: str,
) -> None:
    with serving_with_keys(fresh_database_url) as world:
        by_admin(world, entry("same", "s", isEncrypted=True), entry("other", "1", isEncrypted=True))
        at = now(world)
        by_admin(world, entry("other", "2", isEncrypted=True))
        assert as_of(world, world.member, at) == {"same": "s"}
        assert as_of(world, world.member, now(world)) == {"same": "s", "other": "2"}


def test_cleared_entries_are_not_in_the_past(world: World) -> None:
    patch(world, a="gone")
    at = now(world)
    world.member.rest("DELETE", world.platform_key)
    patch(world, a="new")
    assert as_of(world, world.member, at) == {}


def test_a_bad_instant_is_refused(world: World) -> None:
    for at in ("yesterday", "2024-01-01", "2024-01-01T00:00:00", "1969-12-31T00:00:00Z"):
        body = world.member.graphql(AS_OF, key=world.platform_key, at=at)
        assert codes(body) == "BAD_USER_INPUT"
        assert at in body["errors"][0]["message"]


def test_an_instant_or_revision_too_many_changes_ago_is_refused(world: World) -> None:
    patch(world, n=0)
    at = now(world)
    _fill_history(world, revisions=point_in_time.MAX_CHANGES)
    assert as_of(world, world.member, at) == {"n": 0}
    assert restore(world, 1)["userErrors"] == []
    patch(world, n=1)
    body = world.member.graphql(AS_OF, key=world.platform_key, at=at)
    assert codes(body) == "BAD_USER_INPUT"
    assert "10000 times" in body["errors"][0]["message"]
    assert [each["code"] for each in restore(world, 1)["userErrors"]] == ["UNKNOWN_REVISION"]


def _fill_history(world: World, revisions: int) -> None:
    """Add this many changes of a key that no longer exists."""
    change = {"actor_id": None, "source": "rest", "changed_at": world.service.services.clock()}
    change |= {"window_end": None, "changes": '{"other":{"new":{"createdAt":1,"value":1}}}'}
    changes_of_member = Statement(
        select(tables.document_changes).where(tables.document_changes.c.user_id == world.member.id)
    )
    update_documents = update(tables.documents).where(tables.documents.c.user_id == world.member.id)

    async def fill(transaction: Connection) -> None:
        user_id, platform_id = (await transaction.fetch(changes_of_member))[0][:2]
        change.update(user_id=user_id, platform_id=platform_id)
        rows = [change | {"revision": 2 + number} for number in range(revisions)]
        await transaction.execute_many(Statement(insert(tables.document_changes)), rows)
        await transaction.execute(Statement(update_documents.values(revision=1 + revisions)))

    world.service.write(fill)


def test_the_past_of_many_documents_is_a_constant_number_of_statements(world: World) -> None:
    members = [world.new_user() for _ in range(4)]
    for member in members:
        member.rest("PATCH", world.platform_key, {"metadata": {"of": member.username}})
    at = now(world)
    for member in members:
        member.rest("PATCH", world.platform_key, {"metadata": {"of": "nobody"}})
    query = """query ($key: String!, $at: DateTime!, $first: Int!) { platform(key: $key) {
      users(first: $first) { nodes { username platformMetadata(platformKey: $key) {
        metadata(asOf: $at) } } } } }"""
    counts = []
    for size in (1, 20):
        with world.service.statements() as seen:
            data = world.admin.ask(query, key=world.platform_key, at=at, first=size)
        counts.append(len(seen))
    metadata_by_username = {
        node["username"]: node["platformMetadata"]["metadata"] for node in data["platform"]["users"]["nodes"]
    }
    assert all(metadata_by_username[member.username] == {"of": member.username} for member in members)
    assert counts[1] - counts[0] <= 2  # with results, each of the two walks looks for more of them


# restorePlatformMetadata


def test_restoring_writes_the_earlier_content_as_a_new_revision(world: World) -> None:
    by_admin(world, entry("a", "1", valueType="number", category="c", isIndexed=True), entry("gone", "v"))
    before = restored(world, 1)
    assert before["revision"] == 1  # nothing had changed since
    world.member.rest("PUT", world.platform_key, {"metadata": {"a": "changed", "new": True}})
    by_admin(world, entry("a", "changed", category="d"))
    after = restored(world, 1)
    assert (after["revision"], after["metadata"]) == (4, {"a": 1, "gone": "v"})
    volatile = ("updatedAt", "updatedBy")
    for old, new in zip(before["entries"]["nodes"], after["entries"]["nodes"], strict=True):
        assert {name: new[name] for name in new.keys() - volatile} == {
            name: old[name] for name in old.keys() - volatile
        }
        assert new["updatedBy"] == {"username": world.admin.username}
    latest = changes(world, world.member)[0]
    assert (latest["changedKeys"], latest["deletedKeys"]) == (["a", "gone"], ["new"])
    assert values(latest)["a"] == ("changed", 1)
    again = restored(world, 3)
    assert (again["revision"], again["metadata"]) == (5, {"a": "changed", "new": True})


def test_keys_that_history_cannot_restore_are_kept_and_returned(fresh_database_url: str) -> None:
    with serving_with_keys(fresh_database_url) as world:
        by_admin(world, entry("secret", "1", isEncrypted=True), entry("same", "s", isEncrypted=True))
        by_admin(world, entry("secret", "2", isEncrypted=True), entry("plain", "p"))
        payload = restore(world, 1)
        assert payload["skippedKeys"] == ["secret"]
        assert payload["platformMetadata"]["metadata"] == {"secret": "2", "same": "s"}


def test_keys_that_their_user_has_cleared_stay_cleared(world: World) -> None:
    by_admin(world, entry("hidden", "1", isPublic=False), entry("mine", "v"))
    by_admin(world, entry("hidden", "2", isPublic=False))
    world.member.rest("DELETE", world.platform_key)
    payload = restore(world, 1)
    assert (payload["skippedKeys"], payload["platformMetadata"]["metadata"]) == (["mine"], {"hidden": "1"})


def test_entries_that_have_expired_since_are_not_restored(world: World) -> None:
    by_admin(world, entry("a", "v", validUntil=instant(world.service, HOUR)), entry("b", "v"))
    patch(world, b=1)
    with shifted(world.service, 2 * HOUR):
        assert restored(world, 1)["metadata"] == {"b": "v"}


@pytest.mark.parametrize("revision", [-1, 0, 3, 2**31 - 1])
def test_a_revision_that_is_not_in_the_history_is_refused(world: World, revision: int) -> None:
    patch(world, a=1)
    patch(world, a=2)
    payload = restore(world, revision)
    (problem,) = payload["userErrors"]
    assert (problem["code"], problem["field"]) == ("UNKNOWN_REVISION", ["revision"])
    assert payload["platformMetadata"] is None
    assert len(changes(world, world.member)) == 2


def test_a_cleared_revision_is_unknown(world: World) -> None:
    patch(world, a=1)
    world.member.rest("DELETE", world.platform_key)
    assert restore(world, 1)["userErrors"][0]["code"] == "UNKNOWN_REVISION"
    patch(world, b=1)
    assert restored(world, 2)["metadata"] == {}


def test_only_admins_restore_and_preconditions_hold(world: World) -> None:
    patch(world, a=1)
    patch(world, a=2)

    def outcome(caller: Caller) -> str:
        arguments = {"platformKey": world.platform_key, "username": world.member.username, "revision": 1}
        return codes(caller.graphql(RESTORE, input=arguments))

    callers = (world.member, world.colleague, world.stranger, world.foreign_admin)
    assert [outcome(each) for each in callers] == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND", "NOT_FOUND"]
    (conflict,) = restore(world, 1, expectedRevision=1)["userErrors"]
    assert (conflict["code"], conflict["currentRevision"]) == ("REVISION_CONFLICT", 2)
    assert restored(world, 1, expectedRevision=2)["metadata"] == {"a": 1}


def test_a_repeated_restoration_is_executed_once(world: World) -> None:
    patch(world, a=1)
    patch(world, a=2)
    first = restored(world, 1, idempotencyKey="k")
    patch(world, a=3)
    again = restored(world, 1, idempotencyKey="k")
    assert (first["revision"], first["metadata"]) == (3, {"a": 1})
    assert (again["revision"], again["metadata"]) == (4, {"a": 3})
    assert len(changes(world, world.member)) == 4
