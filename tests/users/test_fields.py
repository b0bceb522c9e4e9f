"""The fields of `User`: a test for each row of the table "Core Fields", and for what this service adds."""

from base64 import b64decode
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.service import Service
from tests.support.users import EVERYTHING, ask, verdict, write
from tests.support.world import Caller, World

ROWS = """id email email_verified image display_name language permissions profile_fields badges
  password_change_disabled project_creation_disabled profile_field_change_disabled messaging_disabled
  is_platform_owner recent_projects last_seen_release_version personal_agent_permissions opt_in_decisions"""

UNSET = ("image", "language", "lastSeenReleaseVersion")
FALSE = """emailVerified isPlatformOwner passwordChangeDisabled projectCreationDisabled
  profileFieldChangeDisabled messagingDisabled"""
EMPTY: dict[str, Any] = {"permissions": [], "profileFields": {}, "recentProjects": {}} | {
    "personalAgentPermissions": {},
    "optInDecisions": [],
    "badges": [],
    "unreadNotificationCount": 0,
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def test_every_row_of_the_table_has_a_test_named_after_it() -> None:
    tests = [name for name in globals() if name.startswith("test_")]
    assert [row for row in ROWS.split() if not any(test.startswith(f"test_{row}_") for test in tests)] == []


def create(world: World, **fields: Any) -> Caller:
    """A user created with `createUser`."""
    required = {"username": f"u_{uuid4().hex}", "email": f"{uuid4().hex}@example.com"} | {
        "tenantId": world.tenant_id
    }
    row = write(world.owner, "createUser", required | fields, "user { userId username }")["user"]
    token = write(world.owner, "issueToken", {"username": row["username"]}, "token")["token"]
    user = world.member.user._replace(user_id=row["userId"], username=row["username"])
    return Caller(world.service, user, token)


def changed(world: World, field: str, value: Any, *, by: Caller | None = None) -> list[Any]:
    """The value of a field of a new user, and its value after it was set."""
    user = world.new_user()
    before = ask(user, user, field)[field]
    input = {"username": user.username, field: value}
    returned = write(by or user, "updateUser", input, f"user {{ {field} }}")["user"][field]
    assert ask(user, user, field)[field] == returned
    return [before, returned]


def test_id_is_the_global_id_and_user_id_the_users_own(world: World) -> None:
    row = ask(world.member, world.member, "id userId")
    assert row["userId"] == world.member.id == str(UUID(row["userId"]))
    assert b64decode(row["id"]).decode() == f"User:{world.member.id}"
    chosen = f"chosen_{uuid4().hex}-X"
    assert create(world, userId=chosen).id == chosen


def test_email_is_the_one_canonical_address(world: World) -> None:
    user = create(world, profileFields={"email": {"visibility": "private"}})
    new = f"{uuid4().hex}@example.org"
    write(world.admin, "updateUser", {"username": user.username, "email": new})
    fields = ask(user, user, "email profileFields")
    assert fields["email"] == fields["profileFields"]["email"]["value"] == new


def test_email_verified_is_false_until_an_admin_sets_it(world: World) -> None:
    assert changed(world, "emailVerified", True, by=world.admin) == [False, True]
    assert ask(world.owner, create(world, emailVerified=True), "emailVerified") == {"emailVerified": True}


def test_email_verified_is_reset_when_the_address_changes(world: World) -> None:
    user = create(world, emailVerified=True)
    new = {"username": user.username, "email": f"{uuid4().hex}@example.org"}
    same = {"username": user.username, "email": ask(user, user, "email")["email"]}
    for value, verified in ((same, True), (new, False), (same | {"emailVerified": True}, True)):
        write(world.admin, "updateUser", value)
        assert ask(user, user, "email emailVerified") == {"email": value["email"], "emailVerified": verified}


def test_image_is_an_address_or_null(world: World) -> None:
    address = "https://example.com/ada.png?size=2#x"
    assert changed(world, "image", address, by=world.admin) == [None, address]
    user = create(world, image=address)
    write(world.admin, "updateUser", {"username": user.username, "image": None})
    assert ask(user, user, "image") == {"image": None}


def test_display_name_is_computed_from_the_profile_fields(world: World) -> None:
    user = create(world)
    assert ask(user, user, "displayName")["displayName"] == user.username
    for value, expected in [
        ({"firstName": {"value": "Ada"}, "lastName": {"value": "Lovelace"}}, "Ada Lovelace"),
        ({"firstName": None}, "Lovelace"),
        ({"lastName": None}, user.username),
        ({"firstName": {"value": "Ada"}}, "Ada"),
    ]:
        write(user, "updateUser", {"profileFields": value})
        assert ask(world.colleague, user, "displayName")["displayName"] == expected


def test_display_name_is_not_an_input(world: World) -> None:
    for mutation in ("createUser", "updateUser"):
        assert verdict(world.owner, mutation, {"displayName": "Ada"}) == "BAD_USER_INPUT"


def test_language_is_a_code_of_iso_639_1_or_null(world: World) -> None:
    assert changed(world, "language", "de") == [None, "de"]
    user = create(world, language="en")
    write(user, "updateUser", {"language": None})
    assert ask(user, user, "language") == {"language": None}


def test_permissions_are_a_list_of_texts(world: World) -> None:
    value = [f"{world.tenant_id}::read", f"{world.other_tenant_id}::write"]
    assert changed(world, "permissions", value, by=world.owner) == [[], value]
    assert ask(world.owner, create(world, permissions=value), "permissions") == {"permissions": value}


def test_permissions_have_no_duplicates(world: World) -> None:
    expected = [f"{world.tenant_id}::read"]
    assert changed(world, "permissions", expected * 3, by=world.owner) == [[], expected]


def test_profile_fields_are_a_map_of_custom_values(world: World) -> None:
    value = {"city": {"value": "Köln", "visibility": "tenant"}, "age": {"value": 36}, "x y": {"value": True}}
    assert changed(world, "profileFields", value) == [{}, value]


def test_badges_are_those_earned_oldest_first(world: World) -> None:
    user = create(world)
    assert ask(user, user, "badges { name }") == {"badges": []}
    for badge in ("projectCreated", "firstActionCreated"):
        write(world.admin, "checkBadge", {"username": user.username, "badge": badge})
        world.service.clock_offset += 10
    world.service.clock_offset -= 20
    assert [each["name"] for each in ask(world.colleague, user, "badges { name }")["badges"]] == [
        "projectCreated",
        "firstActionCreated",
    ]


def test_password_change_disabled_is_a_flag_that_admins_set(world: World) -> None:
    assert changed(world, "passwordChangeDisabled", True, by=world.admin) == [False, True]


def test_project_creation_disabled_is_a_flag_that_admins_set(world: World) -> None:
    assert changed(world, "projectCreationDisabled", True, by=world.admin) == [False, True]


def test_profile_field_change_disabled_is_a_flag_that_admins_set(world: World) -> None:
    assert changed(world, "profileFieldChangeDisabled", True, by=world.admin) == [False, True]


def test_messaging_disabled_is_a_flag_that_admins_set(world: World) -> None:
    assert changed(world, "messagingDisabled", True, by=world.admin) == [False, True]


def test_is_platform_owner_makes_an_admin_everywhere(world: World) -> None:
    user = world.new_user()
    query = "query ($n: String!) { user(by: {username: $n}) { email } }"
    assert user.ask(query, n=world.stranger.username) == {"user": None}
    write(world.owner, "updateUser", {"username": user.username, "isPlatformOwner": True})
    assert user.ask(query, n=world.stranger.username)["user"]["email"]
    assert ask(user, user, "isPlatformOwner") == {"isPlatformOwner": True}
    write(world.owner, "updateUser", {"username": user.username, "isPlatformOwner": False})
    assert user.ask(query, n=world.stranger.username) == {"user": None}


def test_recent_projects_are_milliseconds_by_project(world: World) -> None:
    value = {"p1": 1_713_800_000_000, "p2": 0, "p3": 2**53 - 1}
    assert changed(world, "recentProjects", value) == [{}, value]


def test_last_seen_release_version_is_a_text_or_null(world: World) -> None:
    assert changed(world, "lastSeenReleaseVersion", "2.14.0-rc.1+é") == [None, "2.14.0-rc.1+é"]
    user = create(world, lastSeenReleaseVersion="1")
    write(user, "updateUser", {"lastSeenReleaseVersion": None})
    assert ask(user, user, "lastSeenReleaseVersion") == {"lastSeenReleaseVersion": None}


def test_personal_agent_permissions_are_by_project_and_type(world: World) -> None:
    value = {"p1": {"task": {"read": True, "write": False}, "note": {"read": False, "write": False}}}
    assert changed(world, "personalAgentPermissions", value) == [{}, value]


def test_opt_in_decisions_are_kept_with_their_instant(world: World) -> None:
    user = world.new_user()
    select = "user { optInDecisions { name optedIn decidedAt } }"
    for instant in (0, 1, 1_713_800_000_000, 2**53 - 1):
        decision = {"name": "beta", "optedIn": instant > 1, "decidedAt": instant}
        payload = write(user, "updateUser", {"optInDecisions": [decision]}, select)
        assert payload["user"]["optInDecisions"] == [decision]


def test_opt_in_decisions_are_made_now_by_default(world: World) -> None:
    user, before = world.new_user(), world.service.services.clock()
    decision = {"name": "beta", "optedIn": True}
    payload = write(
        user, "updateUser", {"optInDecisions": [decision]}, "user { optInDecisions { decidedAt } }"
    )
    (made,) = payload["user"]["optInDecisions"]
    assert before <= made["decidedAt"] <= world.service.services.clock()


def test_tenant_id_username_and_timestamps_are_readable(world: World) -> None:
    user = world.new_user()
    row = ask(user, user, "tenantId username revision createdAt updatedAt")
    assert (row["tenantId"], row["username"], row["revision"]) == (world.tenant_id, user.username, 1)
    assert row["createdAt"] == row["updatedAt"]
    assert row["createdAt"].endswith("Z")


def test_a_new_user_has_defaults_elsewhere(world: World) -> None:
    user = world.new_user()
    fields = ask(user, user, EVERYTHING)
    defaults = dict.fromkeys(UNSET) | dict.fromkeys(FALSE.split(), False) | EMPTY
    assert {field: fields.pop(field) for field in defaults} == defaults
    assert fields.keys() == {"userId", "tenantId", "username", "displayName", "email", "revision"} | {
        "createdAt",
        "updatedAt",
        "tokens",
    }
