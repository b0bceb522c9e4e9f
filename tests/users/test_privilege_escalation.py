"""Privilege escalation: rights are only granted by users who administer them, whatever the mutations."""

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
    return {"username": f"u_{uuid4().hex}", "email": f"{uuid4().hex}@b", "tenantId": world.tenant_id} | more


def test_an_admin_grants_and_removes_permissions_of_their_tenant(world: World) -> None:
    user, tenant = world.new_user(), world.tenant_id
    for value in ([f"{tenant}::read"], [f"{tenant}::read", f"{tenant}::admin"], [f"{tenant}::admin"], []):
        assert grant(world.admin, user, *value) == "OK"
        assert permissions(world, user) == value


def test_an_admin_cannot_grant_or_remove_permissions_of_other_tenants(world: World) -> None:
    own, foreign = f"{world.tenant_id}::read", f"{world.other_tenant_id}::read"
    user = world.new_user(permissions=[foreign])
    refused = "NOT_ALLOWED permissions"
    with unchanged(world, user):
        assert grant(world.admin, user) == refused
        assert grant(world.admin, user, own) == refused
        assert grant(world.admin, user, foreign, f"{world.other_tenant_id}::admin") == refused
        assert grant(world.admin, user, f"{world.other_tenant_id}::write") == refused
        assert grant(world.admin, user, foreign, "no-such-tenant::read") == refused
    assert grant(world.admin, user, foreign, own) == "OK"
    assert permissions(world, user) == [foreign, own]


def test_permissions_of_unknown_tenants_cannot_be_granted(world: World) -> None:
    user = world.new_user()
    with unchanged(world, user):
        for tenant in ("no-such-tenant", world.tenant_id[:-1], world.tenant_id.upper()):
            assert grant(world.owner, user, f"{tenant}::read") == "UNKNOWN_TENANT permissions"
            assert grant(world.admin, user, f"{tenant}::read") == "NOT_ALLOWED permissions"


def test_an_admin_of_both_tenants_grants_in_both(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, user = world.new_user(permissions=both), world.new_user()
    assert grant(admin, user, *both) == "OK"
    assert grant(admin, user) == "OK"


def test_permissions_similar_to_admin_give_no_admin_rights(world: World) -> None:
    tenant, user = world.tenant_id, world.new_user()
    for similar in ("administrator", "Admin", "admin2", "member", "*"):
        caller = world.new_user(permissions=[f"{tenant}::{similar}", f"{tenant}x::admin"][:1])
        assert grant(caller, user, f"{tenant}::read") == "FORBIDDEN"
        assert grant(caller, caller, f"{tenant}::admin") == "NOT_ALLOWED permissions"


def test_rights_apply_at_once_in_graphql_and_rest(world: World) -> None:
    """Granted and removed rights apply to the next request with an existing token."""
    user, tenant, other_tenant = world.new_user(), world.tenant_id, world.other_tenant_id
    username = world.member.username
    for value, own, foreign, other_users in [
        ([], 200, 404, 403),
        ([f"{tenant}::admin"], 200, 404, 200),
        ([f"{other_tenant}::read"], 200, 200, 403),
        ([], 200, 404, 403),
    ]:
        assert grant(world.owner, user, *value) == "OK"
        assert user.rest("GET", world.platform_key).status_code == own
        assert user.rest("GET", world.other_platform_key).status_code == foreign
        assert user.rest("GET", world.platform_key, username=username).status_code == other_users
        assert (verdict(user, "updateUser", {"username": username}) == "OK") == (other_users == 200)
        assert (user.id in members(world, world.other_platform_key)) == (foreign == 200)
        assert user.id in members(world, world.platform_key)


@pytest.mark.parametrize("role", ["member", "admin", "guest", "guest admin", "stranger", "foreign_admin"])
def test_nobody_promotes_themselves(world: World, role: str) -> None:
    own_tenant, other_tenant = world.tenant_id, world.other_tenant_id
    permission = {"guest": "editor", "guest admin": "admin"}
    caller: Caller = guest(world, permission[role]) if role in permission else getattr(world, role)
    current = caller.user.permissions
    administered = {"admin": own_tenant, "foreign_admin": other_tenant}.get(role)
    with unchanged(world, caller):
        for username in ({}, {"username": caller.username}):
            input = username | {"isPlatformOwner": True}
            assert verdict(caller, "updateUser", input) == "NOT_ALLOWED isPlatformOwner"
            for tenant in {own_tenant, other_tenant} - {administered}:
                value = {"permissions": [*current, f"{tenant}::superuser"]}
                assert verdict(caller, "updateUser", username | value) == "NOT_ALLOWED permissions"


def test_nobody_creates_somebody_with_more_rights(world: World) -> None:
    own, foreign = f"{world.tenant_id}::admin", f"{world.other_tenant_id}::read"
    owner, refused = {"isPlatformOwner": True}, "NOT_ALLOWED permissions"
    editor, guest_admin = guest(world), guest(world, "admin")
    with unchanged(world, world.member):
        for caller in (world.admin, guest_admin):
            assert verdict(caller, "createUser", new_user(world, **owner)) == "NOT_ALLOWED isPlatformOwner"
            assert verdict(caller, "createUser", new_user(world, permissions=[foreign])) == refused
            assert verdict(caller, "createUser", new_user(world, permissions=[own, foreign])) == refused
        for caller in (world.member, editor, world.stranger, world.foreign_admin):
            assert verdict(caller, "createUser", new_user(world)) == "FORBIDDEN"
    assert verdict(world.admin, "createUser", new_user(world, permissions=[own])) == "OK"
    for value in (owner, {"permissions": [own, foreign]}):
        assert verdict(world.owner, "createUser", new_user(world, **value)) == "OK"


def test_nobody_gets_a_token_of_somebody_with_more_rights(world: World) -> None:
    tenant, other_tenant = world.tenant_id, world.other_tenant_id

    def outcomes(target: Caller) -> list[str]:
        callers = (world.admin, guest(world, "admin"), world.foreign_admin, world.colleague, world.owner)
        return [verdict(caller, "issueToken", {"username": target.username}) for caller in callers]

    for rights in ([], [f"{tenant}::read"], [f"{tenant}::admin", f"{tenant}::read"]):
        target = world.new_user(permissions=rights)
        assert outcomes(target) == ["OK", "OK", "NOT_FOUND", "FORBIDDEN", "OK"]
    for more in ({"is_platform_owner": True}, {"permissions": [f"{tenant}::read", f"{other_tenant}::read"]}):
        target = world.new_user(**more)
        assert outcomes(target) == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND", "FORBIDDEN", "OK"]
    target = guest(world, "admin")
    assert outcomes(target) == ["NOT_FOUND", "NOT_FOUND", "FORBIDDEN", "FORBIDDEN", "OK"]


def test_an_admin_of_both_tenants_may_act_for_users_of_both(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, target = world.new_user(permissions=both), world.new_user(permissions=both)
    assert verdict(admin, "issueToken", {"username": target.username}) == "OK"
    assert verdict(admin, "issueToken", {"username": guest(world, "admin").username}) == "OK"


def test_only_platform_owners_change_platform_ownership(world: World) -> None:
    user = world.new_user()
    input = {"username": user.username, "isPlatformOwner": True}
    assert verdict(world.owner, "updateUser", input) == "OK"
    with unchanged(world, user):
        for value in (True, False):
            refused = verdict(world.admin, "updateUser", input | {"isPlatformOwner": value})
            assert refused == "NOT_ALLOWED isPlatformOwner"
    assert verdict(user, "updateUser", {"isPlatformOwner": False}) == "OK"
    assert verdict(user, "updateUser", {"isPlatformOwner": True}) == "NOT_ALLOWED isPlatformOwner"


def test_an_admin_can_resign_but_not_restore_their_rights(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    assert grant(admin, admin) == "OK"
    assert grant(admin, admin, f"{world.tenant_id}::admin") == "NOT_ALLOWED permissions"
    assert grant(admin, world.member) == "FORBIDDEN"


def test_resigned_rights_cannot_be_restored_with_earlier_tokens(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    token = write(admin, "issueToken", {}, "token")["token"]
    assert grant(world.owner, admin) == "OK"
    assert grant(Caller(world.service, admin.user, token), admin, f"{world.tenant_id}::admin") == (
        "NOT_ALLOWED permissions"
    )


def test_tokens_issued_by_others_do_not_gain_rights_granted_later(world: World) -> None:
    """Otherwise, an admin could keep tokens of all users, and gain the rights that others grant them."""
    more = {"isPlatformOwner": True}, {"permissions": [f"{world.other_tenant_id}::admin"]}
    for value in more:
        user = world.new_user()
        token = write(world.admin, "issueToken", {"username": user.username}, "token")["token"]
        kept = Caller(world.service, user.user, token)
        write(world.owner, "updateUser", {"username": user.username} | value)
        input = {"username": world.stranger.username, "lastSeenReleaseVersion": "1"}
        assert verdict(user, "updateUser", input) == "OK"
        with unchanged(world, world.stranger):
            assert verdict(kept, "updateUser", input | {"lastSeenReleaseVersion": "2"}) != "OK"


def test_tokens_issued_with_such_tokens_do_not_gain_rights_either(world: World) -> None:
    """Otherwise, a token issued by somebody else could issue another one that counts as the user's own."""
    more = {"isPlatformOwner": True}, {"permissions": [f"{world.other_tenant_id}::admin"]}
    for value in more:
        user = world.new_user()
        kept = Caller(
            world.service,
            user.user,
            write(world.admin, "issueToken", {"username": user.username}, "token")["token"],
        )
        for _ in range(2):
            kept = Caller(world.service, user.user, write(kept, "issueToken", {}, "token")["token"])
        write(world.owner, "updateUser", {"username": user.username} | value)
        with unchanged(world, world.stranger):
            input = {"username": world.stranger.username, "lastSeenReleaseVersion": "1"}
            assert verdict(kept, "updateUser", input) != "OK"
        assert user.ask("{ me { username } }")["me"] == {"username": user.username}


def test_nobody_takes_over_an_account_with_more_rights(world: World) -> None:
    """Not by the address, flags, profile or tokens; each permission is checked on its own."""
    tenant, other_tenant = world.tenant_id, world.other_tenant_id
    cases: list[dict[str, Any]] = [
        {"is_platform_owner": True},
        {"permissions": [f"{other_tenant}::admin"]},
        {"permissions": [f"{tenant}::admin", f"{other_tenant}::read"]},
    ]
    for rights in cases:
        target = world.new_user(**rights)
        token = ask(world.owner, target, "tokens(first: 1) { nodes { id } }")["tokens"]["nodes"][0]["id"]
        for caller in (world.admin, guest(world, "admin")):
            with unchanged(world, target):
                for field, value in EVERYTHING_ELSE.items():
                    input = {"username": target.username, field: value}
                    assert verdict(caller, "updateUser", input) == f"NOT_ALLOWED {field}"
                assert verdict(caller, "revokeToken", {"id": token}) == "FORBIDDEN"
                assert verdict(caller, "issueToken", {"username": target.username}) == "FORBIDDEN"
            value = [*rights.get("permissions", ()), f"{tenant}::extra"]
            assert grant(caller, target, *value) == "OK"
            assert grant(caller, target, *value[:-1]) == "OK"
            awarded = verdict(caller, "checkBadge", {"username": target.username, "badge": "projectCreated"})
            assert awarded == "OK"
            assert ask(caller, target, "email") == {"email": target.user.email}
        assert verdict(target, "updateUser", {"language": "de"}) == "OK"
        input = {"username": target.username, "email": f"{uuid4().hex}@example.com"}
        assert verdict(world.owner, "updateUser", input) == "OK"
        assert verdict(world.owner, "revokeToken", {"id": token}) == "OK"


def test_an_admin_of_all_rights_of_a_user_changes_every_field(world: World) -> None:
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"]
    admin, target = world.new_user(permissions=both), world.new_user(permissions=both)
    values = EVERYTHING_ELSE | {"email": f"{uuid4().hex}@example.com"}
    for field, value in values.items():
        assert verdict(admin, "updateUser", {"username": target.username, field: value}) == "OK"
    assert ask(target, target, "email") == {"email": values["email"]}


def test_users_with_malformed_rights_can_be_changed_by_owners_only(world: World) -> None:
    target = world.new_user()
    corrupt(world, target, permissions='{"a": 1}')
    input = {"username": target.username, "email": f"{uuid4().hex}@example.com"}
    assert verdict(world.admin, "updateUser", input) == "MALFORMED_DATA"
    assert verdict(world.admin, "issueToken", {"username": target.username}) == "MALFORMED_DATA"
    assert verdict(world.owner, "updateUser", input) == "OK"
    assert verdict(world.owner, "updateUser", {"username": target.username, "permissions": []}) == "OK"
    assert verdict(world.admin, "updateUser", input) == "OK"
