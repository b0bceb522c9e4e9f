"""Renaming and deleting users, and ending all of their tokens."""

import json
import threading
from typing import Any
from uuid import uuid4

import pytest

from gql_service.domain.users import access_tokens
from tests.support.cli_processes import command
from tests.support.service import serving
from tests.support.users import ask, codes, guest, send, unchanged, verdict, write
from tests.support.world import Caller, World

COUNTS = """deletion { documents changes badges notifications tokens changedDocuments changedChanges
  revokedTokens } deletedUserId"""


def fresh() -> str:
    return f"n_{uuid4().hex}"


def run(world: World, *arguments: str) -> Any:
    """The JSON of a command, which must succeed."""
    done = command(world.service.settings.database_url, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_renamed_user_keeps_everything_but_the_name(world: World) -> None:
    user, name = world.new_user(), fresh()
    user.rest("PATCH", world.platform_key, {"metadata": {"a": 1}})
    before = ask(world.admin, user, "userId email revision")
    input = {"username": user.username.upper(), "newUsername": name, "expectedRevision": before["revision"]}
    renamed = write(world.admin, "renameUser", input, "user { userId username email revision }")["user"]
    assert renamed == before | {"username": name, "revision": before["revision"] + 1}
    assert user.ask("{ me { username } }") == {"me": {"username": name}}
    response = world.admin.rest("GET", world.platform_key, username=name)
    assert response.json()["metadata"] == {"a": 1}
    query = "query ($u: String!) { user(by: {username: $u}) { userId } }"
    assert world.admin.ask(query, u=user.username) == {"user": None}
    again = {"username": name, "newUsername": name}
    select = "user { revision }"
    assert write(world.admin, "renameUser", again, select)["user"]["revision"] == renamed["revision"]


def test_the_former_name_can_be_given_out(world: World) -> None:
    user, heir = world.new_user(), world.new_user()
    former = user.username
    write(world.admin, "renameUser", {"username": former, "newUsername": fresh()})
    write(world.admin, "renameUser", {"username": heir.username, "newUsername": former})
    assert ask(world.admin, heir, "username") == {"username": former}


def test_a_name_can_change_its_spelling(world: World) -> None:
    user = world.new_user()
    input = {"username": user.username, "newUsername": user.username.upper()}
    write(world.admin, "renameUser", input)
    assert ask(world.admin, user, "username") == {"username": user.username.upper()}


def test_refused_names_change_nothing(world: World) -> None:
    user, other = world.new_user(), world.new_user()
    with unchanged(world, user, other):
        for name, expected in [
            (other.username, "TAKEN newUsername"),
            (other.username.upper(), "TAKEN newUsername"),
            (other.id, "TAKEN newUsername"),
            ("", "INVALID_VALUE newUsername"),
            ("a b", "INVALID_VALUE newUsername"),
            ("\u0430nn", "INVALID_VALUE newUsername"),
            ("x" * 151, "INVALID_VALUE newUsername"),
        ]:
            input = {"username": user.username, "newUsername": name}
            assert verdict(world.admin, "renameUser", input) == expected
        stale = {"username": user.username, "newUsername": fresh(), "expectedRevision": 99}
        assert verdict(world.admin, "renameUser", stale) == "REVISION_CONFLICT expectedRevision"


def test_who_may_rename_and_delete(world: World) -> None:
    user, name = world.new_user(), fresh()
    visitor = guest(world)
    powerful = world.new_user(permissions=[f"{world.other_tenant_id}::editor"])
    with unchanged(world, user, visitor, powerful):
        for caller, target, expected in [
            (user, user, "FORBIDDEN"),
            (world.colleague, user, "FORBIDDEN"),
            (world.foreign_admin, user, "NOT_FOUND"),
            (world.admin, visitor, "NOT_FOUND"),
        ]:
            input = {"username": target.username}
            assert verdict(caller, "renameUser", input | {"newUsername": name}) == expected
            assert verdict(caller, "deleteUser", input) == expected
        input = {"username": powerful.username}
        assert verdict(world.admin, "deleteUser", input) == "FORBIDDEN"
        assert verdict(world.admin, "renameUser", input | {"newUsername": name}) == "NOT_ALLOWED username"
        nobody = {"username": fresh()}
        assert verdict(world.admin, "deleteUser", nobody) == "NOT_FOUND"
        assert verdict(world.colleague, "deleteUser", nobody) == "FORBIDDEN"


def test_a_dry_run_counts_and_deletes_nothing(world: World) -> None:
    user = world.new_user()
    for number in (1, 2):
        user.rest("PATCH", world.platform_key, {"metadata": {"a": number}})
    with unchanged(world, user):
        input = {"username": user.username, "dryRun": True}
        planned = write(world.admin, "deleteUser", input, COUNTS)
    assert planned["deletedUserId"] is None
    assert (planned["deletion"]["documents"], planned["deletion"]["changes"]) == (1, 2)
    assert user.rest("GET", world.platform_key).json()["metadata"] == {"a": 2}
    done = write(world.admin, "deleteUser", {"username": user.username}, COUNTS)
    assert done == planned | {"deletedUserId": user.id}
    assert codes(user.graphql("{ me { id } }")) == "UNAUTHENTICATED"
    assert verdict(world.admin, "deleteUser", {"username": user.username}) == "NOT_FOUND"


def test_the_id_of_a_deleted_user_is_never_given_out_again(world: World) -> None:
    user = world.new_user()
    write(world.admin, "deleteUser", {"username": user.username})
    input = {"username": user.username, "tenantId": world.tenant_id, "email": f"{fresh()}@x.example"}
    assert verdict(world.admin, "createUser", input | {"userId": user.id}) == "TAKEN userId"
    assert verdict(world.admin, "createUser", input) == "OK"  # the name may be used by somebody else


def test_users_delete_themselves_where_the_setting_is_on(fresh_database_url: str) -> None:
    with serving(fresh_database_url, self_deletion=True) as service:
        world = World(service)
        user = world.new_user()
        assert verdict(user, "deleteUser", {"username": world.colleague.username}) == "FORBIDDEN"
        assert write(user, "deleteUser", {"username": user.username}, COUNTS)["deletedUserId"] == user.id
        assert codes(user.graphql("{ me { id } }")) == "UNAUTHENTICATED"


def test_all_tokens_of_a_user_end_at_once(world: World) -> None:
    user = world.new_user()
    second = Caller(world.service, user.user, write(user, "issueToken", {}, "token")["token"])
    revoked = write(user, "revokeTokens", {}, "revokedIds")["revokedIds"]
    assert len(revoked) == 2
    for caller in (user, second):
        assert codes(caller.graphql("{ me { id } }")) == "UNAUTHENTICATED"
    again = write(world.admin, "revokeTokens", {"username": user.username}, "revokedIds")
    assert again == {"revokedIds": []}
    assert verdict(world.colleague, "revokeTokens", {"username": user.username}) == "FORBIDDEN"


def test_the_command_line_does_the_same(world: World) -> None:
    user, name = world.new_user(), fresh()
    assert run(world, "user", "rename", user.username, name)["username"] == name
    assert len(run(world, "token", "revoke-all", name)["revokedIds"]) == 1
    assert codes(user.graphql("{ me { id } }")) == "UNAUTHENTICATED"
    with unchanged(world, user):
        planned = run(world, "erase", name, "--dry-run")
    assert planned["dryRun"]
    done = run(world, "erase", name.upper(), "--yes")
    assert done["deletedRows"] == planned["deletedRows"]
    bad = command(world.service.settings.database_url, "user", "rename", world.member.username, "a b")
    assert (bad.returncode, bad.stdout) == (1, "")


def test_users_are_renamed_and_deleted_while_they_write(world: World) -> None:
    """Every write succeeds, or finds that the caller does not exist any more."""
    users = [world.new_user() for _ in range(4)]
    outcomes: list[int] = []

    def write_often(user: Caller) -> None:
        for number in range(25):
            metadata = {"metadata": {"n": number}}
            outcomes.append(user.rest("PATCH", world.platform_key, metadata).status_code)

    threads = [threading.Thread(target=write_often, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for user in users:
        name = fresh()
        write(world.admin, "renameUser", {"username": user.username, "newUsername": name})
        write(world.admin, "deleteUser", {"username": name})
    for thread in threads:
        thread.join()
    assert len(outcomes) == 100
    assert set(outcomes) <= {200, 401, 404}

    async def left() -> list[Any]:
        async with world.service.services.database.read() as connection:
            return [await access_tokens.of_user(connection, user.id) for user in users]

    assert world.service.run(left) == [[]] * 4


@pytest.mark.parametrize("mutation", ["createUser", "renameUser"])
def test_of_concurrent_takers_of_a_name_one_gets_it(world: World, mutation: str) -> None:
    name, outcomes = fresh(), list[Any]()
    users = [world.new_user() for _ in range(4)]

    def take(user: Caller, spelling: str) -> None:
        new = {"username": spelling, "tenantId": world.tenant_id, "email": f"{fresh()}@x.example"}
        rename = {"username": user.username, "newUsername": spelling}
        body = send(world.admin, mutation, new if mutation == "createUser" else rename)
        outcomes.append(body["data"][mutation]["userErrors"])

    spellings = (name, name.upper(), name.title(), name)
    threads = [threading.Thread(target=take, args=each) for each in zip(users, spellings, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(errors) for errors in outcomes) == [0, 1, 1, 1]
    assert {error["code"] for errors in outcomes for error in errors} == {"TAKEN"}
