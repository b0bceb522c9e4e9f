"""Names: all spellings of one fold are one user, in every door; new names are of one script."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.cli_processes import command
from tests.support.users import ask, send, unchanged, verdict, write
from tests.support.world import Caller, World


@pytest.fixture
def zoe(world: World) -> Caller:
    """A user whose name has many spellings."""
    return world.new_user(username=f"Zoë_{uuid4().hex}")


def spellings(user: Caller) -> list[str]:
    name = user.username
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isascii() and each.isalnum() else each for each in name)
    return [name, name.upper(), name.lower(), name.replace("ë", "e\u0308"), wide]


def test_a_look_up_takes_any_spelling_and_answers_the_stored_one(world: World, zoe: Caller) -> None:
    query = """query ($u: String!, $k: String!) {
      user(by: {username: $u}) { userId username }
      platformMetadata(platformKey: $k, username: $u) { username }
      _entities(representations: [{__typename: "User", username: $u}]) {
        ... on User { userId username } } }"""
    for spelling in spellings(zoe):
        if not spelling.isascii() and "\u0308" in spelling:
            assert len(spelling) > len(zoe.username)
        found = world.admin.ask(query, u=spelling, k=world.platform_key)
        same = {"userId": zoe.id, "username": zoe.username}
        assert found == {
            "user": same,
            "platformMetadata": {"username": zoe.username},
            "_entities": [same],
        }
        response = world.admin.rest("GET", world.platform_key, username=spelling)
        assert response.json()["username"] == zoe.username


def test_a_user_is_themselves_in_any_spelling(world: World, zoe: Caller) -> None:
    for spelling in spellings(zoe):
        assert zoe.rest("GET", world.platform_key, username=spelling).status_code == 200
        assert verdict(zoe, "updateUser", {"username": spelling, "language": "de"}) == "OK"


def test_the_command_line_takes_any_spelling(world: World, zoe: Caller) -> None:
    for spelling in spellings(zoe):
        done = command(world.service.settings.database_url, "user", "show", spelling)
        assert done.returncode == 0, done.stderr
        assert zoe.username in done.stdout


def test_a_bulk_patch_has_each_user_once(world: World, zoe: Caller) -> None:
    first, second, *_ = spellings(zoe)
    patches = [{"username": name, "metadata": {"a": 1}} for name in (first, second)]
    input: dict[str, Any] = {"platformKey": world.platform_key, "patches": patches}
    assert verdict(world.admin, "bulkPatchPlatformMetadata", input) == "INVALID_VALUE patches.1.username"
    select = "results { username }"
    done = write(world.admin, "bulkPatchPlatformMetadata", input | {"patches": patches[1:]}, select)
    assert done["results"] == [{"username": zoe.username}]


def new_user(world: World, **more: Any) -> dict[str, Any]:
    id = uuid4().hex
    return {"username": f"n_{id}", "tenantId": world.tenant_id, "email": f"{id}@x.example"} | more


def test_each_spelling_of_a_name_is_taken(world: World, zoe: Caller) -> None:
    with unchanged(world, zoe):
        for spelling in spellings(zoe):
            if "\u0308" in spelling:  # a combining mark is no letter
                continue
            assert verdict(world.admin, "createUser", new_user(world, username=spelling)) == "TAKEN username"


def test_names_and_ids_of_others_are_taken(world: World) -> None:
    member = world.member
    with unchanged(world, member):
        for input, expected in [
            ({"username": member.id}, "TAKEN username"),
            ({"username": member.id.upper()}, "TAKEN username"),
            ({"userId": member.username}, "TAKEN user_id"),
            ({"userId": member.username.upper()}, "TAKEN user_id"),
        ]:
            field = expected.replace("user_id", "userId")
            assert verdict(world.admin, "createUser", new_user(world, **input)) == field
    own = uuid4().hex
    assert verdict(world.admin, "createUser", new_user(world, username=own, userId=own)) == "OK"


@pytest.mark.parametrize("name", ["\u0430nn", "\u03b1nn", "ann\u0439", "\u043b\u043e\u03b9", "한\u3042"])
def test_a_new_name_is_of_one_script(world: World, name: str) -> None:
    with unchanged(world):
        input = new_user(world, username=f"{name}{uuid4().int}")
        assert verdict(world.admin, "createUser", input) == "INVALID_VALUE username"


@pytest.mark.parametrize("name", ["анна", "ΓΔΘ", "日本ひらカタ", "한글漢", "Jürgen", "عربي", "أحمد"])
def test_names_of_one_script_are_allowed(world: World, name: str) -> None:
    input = new_user(world, username=f"{name}_{uuid4().int}")
    assert verdict(world.admin, "createUser", input) == "OK"


def test_an_address_is_unique_in_its_tenant_whatever_its_case(world: World) -> None:
    address = f"Ada-{uuid4().hex}@Example.com"
    select = "user { userId email }"
    assert (
        write(world.admin, "createUser", new_user(world, email=address), select)["user"]["email"] == address
    )
    member = world.member
    with unchanged(world, member):
        for spelling in (address, address.lower(), address.upper()):
            assert verdict(world.admin, "createUser", new_user(world, email=spelling)) == "TAKEN email"
            change = {"username": member.username, "email": spelling}
            assert verdict(world.admin, "updateUser", change) == "TAKEN email"
    other = new_user(world, email=address, tenantId=world.other_tenant_id)
    assert verdict(world.owner, "createUser", other) == "OK"


def test_the_case_of_an_own_address_can_change(world: World) -> None:
    address = f"{uuid4().hex}@example.com"
    for spelling in (address, address.upper()):
        change = {"username": world.member.username, "email": spelling}
        assert verdict(world.admin, "updateUser", change) == "OK"
    assert ask(world.member, world.member, "email") == {"email": address.upper()}
    assert send(world.admin, "createUser", new_user(world, email=address))["data"]["createUser"]["userErrors"]
