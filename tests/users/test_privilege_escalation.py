"""Nobody gets rights that those who have them did not give: by no mutation, in no order."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.service import Service
from tests.support.users import ask, corrupt, guest, unchanged, verdict, write
from tests.support.world import Caller, World

MEMBERS = (
    "query ($key: String!) { platform(key: $key) { users(first: 100) { totalCount nodes { userId } } } }"
)

EVERYTHING_ELSE: dict[str, Any] = {
    "email": "mallory@example.com",
    "emailVerified": True,
    "image": "https://example.com/mallory.png",
    "passwordChangeDisabled": True,
    "projectCreationDisabled": True,
    "profileFieldChangeDisabled": True,
    "messagingDisabled": True,
    "language": "de",
    "profileFields": {"email": {"visibility": "tenant"}},
    "recentProjects": {"p1": 1},
    "lastSeenReleaseVersion": "2.0",
    "optInDecisions": [{"name": "beta", "optedIn": True}],
    "personalAgentPermissions": {"p1": {"task": {"read": True, "write": True}}},
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def grant(caller: Caller, user: Caller, *permissions: str) -> str:
    return verdict(caller, "updateUser", {"username": user.username, "permissions": list(permissions)})


def permissions(world: World, user: Caller) -> Any:
    return ask(world.owner, user, "permissions")["permissions"]


def members(world: World, key: str) -> set[str]:
    users = world.owner.ask(MEMBERS, key=key)["platform"]["users"]
    ids = {user["userId"] for user in users["nodes"]}
    assert users["totalCount"] == len(ids)
    return ids


def new_user(world: World, **more: Any) -> dict[str, Any]:
    return {"username": f"u_{uuid4().hex}", "email": "a@b", "tenantId": world.tenant_id} | more


def test_an_admin_grants_and_takes_within_their_tenant(world: World) -> None:
    user, ours = world.new_user(), world.tenant_id
    for given in ([f"{ours}::read"], [f"{ours}::read", f"{ours}::admin"], [f"{ours}::admin"], []):
        assert grant(world.admin, user, *given) == "OK"
        assert permissions(world, user) == given


def test_an_admin_neither_grants_nor_takes_elsewhere(world: World) -> None:
    ours, theirs = f"{world.tenant_id}::read", f"{world.other_tenant_id}::read"
    user = world.new_user(permissions=[theirs])
    refused = "NOT_ALLOWED permissions"
    with unchanged(world, user):
        assert grant(world.admin, user) == refused
        assert grant(world.admin, user, ours) == refused
        assert grant(world.admin, user, theirs, f"{world.other_tenant_id}::admin") == refused
        assert grant(world.admin, user, f"{world.other_tenant_id}::write") == refused
        assert grant(world.admin, user, theirs, "no-such-tenant::read") == refused
    assert grant(world.admin, user, theirs, ours) == "OK"
    assert permissions(world, user) == [theirs, ours]


def test_nobody_grants_anything_of_a_tenant_that_does_not_exist(world: World) -> None:
    user = world.new_user()
    with unchanged(world, user):
        for named in ("no-such-tenant", world.tenant_id[:-1], world.tenant_id.upper()):
            assert grant(world.owner, user, f"{named}::read") == "UNKNOWN_TENANT permissions"
            assert grant(world.admin, user, f"{named}::read") == "NOT_ALLOWED permissions"


def test_an_admin_of_both_tenants_grants_in_both(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, user = world.new_user(permissions=both), world.new_user()
    assert grant(admin, user, *both) == "OK"
    assert grant(admin, user) == "OK"


def test_almost_the_admin_permission_grants_nothing(world: World) -> None:
    ours, user = world.tenant_id, world.new_user()
    for almost in ("administrator", "Admin", "admin2", "member", "*"):
        caller = world.new_user(permissions=[f"{ours}::{almost}", f"{ours}x::admin"][:1])
        assert grant(caller, user, f"{ours}::read") == "FORBIDDEN"
        assert grant(caller, caller, f"{ours}::admin") == "NOT_ALLOWED permissions"


def test_rights_work_at_once_at_both_doors(world: World) -> None:
    """What is granted or taken binds the next request, with the token the user has."""
    user, ours, theirs = world.new_user(), world.tenant_id, world.other_tenant_id
    named = world.member.username
    for given, own, foreign, others in [
        ([], 200, 404, 403),
        ([f"{ours}::admin"], 200, 404, 200),
        ([f"{theirs}::read"], 200, 200, 403),
        ([], 200, 404, 403),
    ]:
        assert grant(world.owner, user, *given) == "OK"
        assert user.rest("GET", world.platform_key).status_code == own
        assert user.rest("GET", world.other_platform_key).status_code == foreign
        assert user.rest("GET", world.platform_key, username=named).status_code == others
        assert (verdict(user, "updateUser", {"username": named}) == "OK") == (others == 200)
        assert (user.id in members(world, world.other_platform_key)) == (foreign == 200)
        assert user.id in members(world, world.platform_key)


@pytest.mark.parametrize("who", ["member", "admin", "guest", "guest admin", "stranger", "foreign_admin"])
def test_nobody_promotes_themselves(world: World, who: str) -> None:
    ours, theirs = world.tenant_id, world.other_tenant_id
    named = {"guest": "editor", "guest admin": "admin"}
    caller: Caller = guest(world, named[who]) if who in named else getattr(world, who)
    held = caller.user.permissions
    admins = {"admin": ours, "foreign_admin": theirs}.get(who)
    with unchanged(world, caller):
        for username in ({}, {"username": caller.username}):
            input = username | {"isPlatformOwner": True}
            assert verdict(caller, "updateUser", input) == "NOT_ALLOWED isPlatformOwner"
            for tenant in {ours, theirs} - {admins}:
                given = {"permissions": [*held, f"{tenant}::superuser"]}
                assert verdict(caller, "updateUser", username | given) == "NOT_ALLOWED permissions"


def test_nobody_creates_somebody_with_more_rights(world: World) -> None:
    ours, theirs = f"{world.tenant_id}::admin", f"{world.other_tenant_id}::read"
    owner, refused = {"isPlatformOwner": True}, "NOT_ALLOWED permissions"
    editor, guest_admin = guest(world), guest(world, "admin")
    with unchanged(world, world.member):
        for caller in (world.admin, guest_admin):
            assert verdict(caller, "createUser", new_user(world, **owner)) == "NOT_ALLOWED isPlatformOwner"
            assert verdict(caller, "createUser", new_user(world, permissions=[theirs])) == refused
            assert verdict(caller, "createUser", new_user(world, permissions=[ours, theirs])) == refused
        for caller in (world.member, editor, world.stranger, world.foreign_admin):
            assert verdict(caller, "createUser", new_user(world)) == "FORBIDDEN"
    assert verdict(world.admin, "createUser", new_user(world, permissions=[ours])) == "OK"
    for given in (owner, {"permissions": [ours, theirs]}):
        assert verdict(world.owner, "createUser", new_user(world, **given)) == "OK"


def test_nobody_gets_a_token_of_somebody_with_more_rights(world: World) -> None:
    ours, theirs = world.tenant_id, world.other_tenant_id

    def outcomes(target: Caller) -> list[str]:
        callers = (world.admin, guest(world, "admin"), world.foreign_admin, world.colleague, world.owner)
        return [verdict(caller, "issueToken", {"username": target.username}) for caller in callers]

    for held in ([], [f"{ours}::read"], [f"{ours}::admin", f"{ours}::read"]):
        target = world.new_user(permissions=held)
        assert outcomes(target) == ["OK", "OK", "NOT_FOUND", "FORBIDDEN", "OK"]
    for more in ({"is_platform_owner": True}, {"permissions": [f"{ours}::read", f"{theirs}::read"]}):
        target = world.new_user(**more)
        assert outcomes(target) == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND", "FORBIDDEN", "OK"]
    target = guest(world, "admin")
    assert outcomes(target) == ["NOT_FOUND", "NOT_FOUND", "FORBIDDEN", "FORBIDDEN", "OK"]


def test_an_admin_of_both_tenants_may_act_for_users_of_both(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, target = world.new_user(permissions=both), world.new_user(permissions=both)
    assert verdict(admin, "issueToken", {"username": target.username}) == "OK"
    assert verdict(admin, "issueToken", {"username": guest(world, "admin").username}) == "OK"


def test_platform_owners_are_made_and_unmade_by_owners_alone(world: World) -> None:
    user = world.new_user()
    input = {"username": user.username, "isPlatformOwner": True}
    assert verdict(world.owner, "updateUser", input) == "OK"
    with unchanged(world, user):
        for given in (True, False):
            refused = verdict(world.admin, "updateUser", input | {"isPlatformOwner": given})
            assert refused == "NOT_ALLOWED isPlatformOwner"
    assert verdict(user, "updateUser", {"isPlatformOwner": False}) == "OK"
    assert verdict(user, "updateUser", {"isPlatformOwner": True}) == "NOT_ALLOWED isPlatformOwner"


def test_an_admin_may_resign_and_not_come_back(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    assert grant(admin, admin) == "OK"
    assert grant(admin, admin, f"{world.tenant_id}::admin") == "NOT_ALLOWED permissions"
    assert grant(admin, world.member) == "FORBIDDEN"


def test_rights_given_away_do_not_come_back_by_tokens_issued_before(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    token = write(admin, "issueToken", {}, "token")["token"]
    assert grant(world.owner, admin) == "OK"
    assert grant(Caller(world.service, admin.user, token), admin, f"{world.tenant_id}::admin") == (
        "NOT_ALLOWED permissions"
    )


def test_a_token_somebody_else_made_does_not_get_what_the_user_gets_later(world: World) -> None:
    """Or an admin keeps tokens of all users, and rises with whoever is raised by others."""
    more = {"isPlatformOwner": True}, {"permissions": [f"{world.other_tenant_id}::admin"]}
    for given in more:
        user = world.new_user()
        token = write(world.admin, "issueToken", {"username": user.username}, "token")["token"]
        kept = Caller(world.service, user.user, token)
        write(world.owner, "updateUser", {"username": user.username} | given)
        input = {"username": world.stranger.username, "lastSeenReleaseVersion": "1"}
        assert verdict(user, "updateUser", input) == "OK"
        with unchanged(world, world.stranger):
            assert verdict(kept, "updateUser", input | {"lastSeenReleaseVersion": "2"}) != "OK"


def test_a_token_made_with_such_a_token_does_not_get_it_either(world: World) -> None:
    """Or whoever holds a token of somebody else has it make another, which looks like the user's own."""
    more = {"isPlatformOwner": True}, {"permissions": [f"{world.other_tenant_id}::admin"]}
    for given in more:
        user = world.new_user()
        kept = Caller(
            world.service,
            user.user,
            write(world.admin, "issueToken", {"username": user.username}, "token")["token"],
        )
        for _ in range(2):
            kept = Caller(world.service, user.user, write(kept, "issueToken", {}, "token")["token"])
        write(world.owner, "updateUser", {"username": user.username} | given)
        with unchanged(world, world.stranger):
            input = {"username": world.stranger.username, "lastSeenReleaseVersion": "1"}
            assert verdict(kept, "updateUser", input) != "OK"
        assert user.ask("{ me { username } }")["me"] == {"username": user.username}


def test_nobody_takes_over_an_account_with_more_rights(world: World) -> None:
    """By its address, its flags, its profile, or by ending its tokens; permissions are judged one by one."""
    ours, theirs = world.tenant_id, world.other_tenant_id
    cases: list[dict[str, Any]] = [
        {"is_platform_owner": True},
        {"permissions": [f"{theirs}::admin"]},
        {"permissions": [f"{ours}::admin", f"{theirs}::read"]},
    ]
    for held in cases:
        target = world.new_user(**held)
        token = ask(world.owner, target, "tokens(first: 1) { nodes { id } }")["tokens"]["nodes"][0]["id"]
        for caller in (world.admin, guest(world, "admin")):
            with unchanged(world, target):
                for field, value in EVERYTHING_ELSE.items():
                    input = {"username": target.username, field: value}
                    assert verdict(caller, "updateUser", input) == f"NOT_ALLOWED {field}"
                assert verdict(caller, "revokeToken", {"id": token}) == "FORBIDDEN"
                assert verdict(caller, "issueToken", {"username": target.username}) == "FORBIDDEN"
            given = [*held.get("permissions", ()), f"{ours}::extra"]
            assert grant(caller, target, *given) == "OK"
            assert grant(caller, target, *given[:-1]) == "OK"
            awarded = verdict(caller, "checkBadge", {"username": target.username, "badge": "projectCreated"})
            assert awarded == "OK"
            assert ask(caller, target, "email") == {"email": target.user.email}
        assert verdict(target, "updateUser", {"language": "de"}) == "OK"
        input = {"username": target.username, "email": EVERYTHING_ELSE["email"]}
        assert verdict(world.owner, "updateUser", input) == "OK"
        assert verdict(world.owner, "revokeToken", {"id": token}) == "OK"


def test_who_administers_all_rights_of_a_user_changes_everything(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, target = world.new_user(permissions=both), world.new_user(permissions=both)
    for field, value in EVERYTHING_ELSE.items():
        assert verdict(admin, "updateUser", {"username": target.username, field: value}) == "OK"
    assert ask(target, target, "email") == {"email": EVERYTHING_ELSE["email"]}


def test_rights_that_cannot_be_read_are_nobodys_to_administer(world: World) -> None:
    target = world.new_user()
    corrupt(world, target, permissions='{"a": 1}')
    input = {"username": target.username, "email": EVERYTHING_ELSE["email"]}
    assert verdict(world.admin, "updateUser", input) == "MALFORMED_DATA"
    assert verdict(world.admin, "issueToken", {"username": target.username}) == "MALFORMED_DATA"
    assert verdict(world.owner, "updateUser", input) == "OK"
    assert verdict(world.owner, "updateUser", {"username": target.username, "permissions": []}) == "OK"
    assert verdict(world.admin, "updateUser", input) == "OK"
