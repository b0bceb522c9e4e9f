"""Users whom versions before 0020 have stored are found by permissions, names and rights as new ones."""

from tests.search.test_directory import OWNERS, found
from tests.store.test_migration_upgrade import ROWS, migrate_to
from tests.support.service import serving
from tests.support.users import write
from tests.support.world import Caller
from tests.transfer.test_round_trip import CREATED_AT, Shell

_PEOPLE = {
    "Guest-B": ("home", '["acme::admin","acme::administrator","home::admin"]', "false"),
    "guest-a": ("home", '["acme::admin","acme::admin"]', "false"),
    "broken": ("acme", '{"acme::admin":"acme::admin"}', "false"),
    "mixed": ("acme", '["acme::admin",7]', "false"),
    "boss": ("home", "[]", "true"),
}
PEOPLE = ", ".join(
    f"('{name}', '{tenant}', '{name}', '{name}@x.example', '{{}}', '{permissions}', {is_owner}, 1, 5, 5)"
    for name, (tenant, permissions, is_owner) in _PEOPLE.items()
)
STORED = f"""{ROWS};
INSERT INTO tenants (id, name, created_at) VALUES ('home', 'Home', {CREATED_AT});
INSERT INTO users (id, tenant_id, username, email, profile_fields, permissions, is_platform_owner, revision,
  created_at, updated_at) VALUES {PEOPLE};
INSERT INTO memberships (user_id, tenant_id) SELECT id, tenant_id FROM users WHERE tenant_id = 'home';
INSERT INTO memberships (user_id, tenant_id) SELECT id, 'acme' FROM users WHERE id IN
  ('Guest-B', 'guest-a', 'broken', 'mixed')"""
NAMED = """query ($prefix: String!) { platform(key: "shop") {
  users(where: {usernamePrefix: $prefix}) { totalCount nodes { userId } } } }"""


def test_users_who_were_stored_before_are_found(fresh_database_url: str) -> None:
    url = fresh_database_url
    migrate_to(url, "0006", STORED)
    shell = Shell(url)
    shell.output("migrate")
    token = shell.output("token", "issue", "boss").strip()
    with serving(url) as service:
        (user,) = service.run(lambda: service.services.loaders.users_named.load_many(["boss"]))
        assert user is not None
        owner = Caller(service, user, token)
        assert found(owner, {"isAdmin": True}, t="acme") == ["Guest-B", "guest-a", "v"]
        assert found(owner, {"isAdmin": True}, t="home") == ["Guest-B"]
        owners = owner.ask(OWNERS)["platformOwners"]
        assert (owners["totalCount"], owners["nodes"]) == (1, [{"userId": "boss", "isPlatformOwner": True}])
        for prefix, expected in (("guest", ["guest-a"]), ("Gu", ["Guest-B"]), ("b", ["broken"]), ("x", [])):
            users = owner.ask(NAMED, prefix=prefix)["platform"]["users"]
            assert [each["userId"] for each in users["nodes"]] == expected, prefix
            assert users["totalCount"] == len(expected)
        write(owner, "updateUser", {"username": "v", "permissions": []})
        assert found(owner, {"isAdmin": True}, t="acme") == ["Guest-B", "guest-a"]
