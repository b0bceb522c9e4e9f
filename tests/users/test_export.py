"""`exportUser`: everything that is stored about a user and that they may see; it says that more exists."""

import json
from typing import Any

from tests.support.cli_processes import command
from tests.support.entries import set_entries
from tests.support.service import serving
from tests.support.users import codes, notify
from tests.support.world import Caller, World

EXPORT = "query ($u: String, $h: Boolean! = false) { exportUser(username: $u, includeHidden: $h) }"


def exported(viewer: Caller, **variables: Any) -> Any:
    return viewer.ask(EXPORT, **variables)["exportUser"]


def user_with_data(world: World) -> Caller:
    """A user with a hidden entry, and a document in another tenant."""
    user = world.new_user(
        permissions=[f"{world.other_tenant_id}::read"],
        profile_fields={"firstName": {"value": "Ada", "visibility": "private"}},
    )
    user.rest("PATCH", world.platform_key, {"metadata": {"theme": "dark", "n": 10.5}})
    user.rest("PATCH", world.other_platform_key, {"metadata": {"other": True}})
    user.ask("mutation { patchPlatformMetadata(input: {metadata: {wide: null}}) { userErrors { code } } }")
    hidden = {"metadataKey": "risk", "metadataValue": "high", "isPublic": False}
    assert set_entries(world.admin, world, hidden, username=user.username)["userErrors"] == []
    notify(world, user, "Hello")
    return user


def documents(export: Any) -> Any:
    """From platform keys to the values, and whether there are hidden entries."""
    return {
        each["platformKey"]: (
            {entry["metadataKey"]: entry["value"] for entry in each["entries"]},
            each["hasHiddenEntries"],
        )
        for each in export["documents"]
    }


def test_users_get_what_they_may_see(world: World) -> None:
    user = user_with_data(world)
    export = exported(user)
    assert (export["userId"], export["username"]) == (user.id, user.username)
    assert export["email"] == f"{user.username}@example.com"
    assert export["profileFields"] == {"firstName": {"value": "Ada", "visibility": "private"}}
    assert [each["title"] for each in export["notifications"]] == ["Hello"]
    assert len(export["tokens"]) == 1
    assert documents(export) == {
        world.platform_key: ({"theme": "dark", "n": 10.5}, True),
        world.other_platform_key: ({"other": True}, False),
        None: ({"wide": None}, False),
    }
    text = json.dumps(export)
    assert "high" not in text
    assert "risk" not in text
    assert user.token not in text


def test_admins_answer_requests(world: World) -> None:
    user = user_with_data(world)
    own = {None: ({"wide": None}, False)}
    public, everything = ({"theme": "dark", "n": 10.5}, True), {"theme": "dark", "n": 10.5, "risk": "high"}
    assert documents(exported(world.admin, u=user.username)) == own | {world.platform_key: public}
    full = documents(exported(world.admin, u=user.username, h=True))
    assert full == own | {world.platform_key: (everything, False)}
    assert len(documents(exported(world.owner, u=user.username.upper(), h=True))) == 3


def test_admins_also_get_the_changes_of_the_user(world: World) -> None:
    user = user_with_data(world)
    query = """query ($id: ID!) { user(by: {userId: $id}) { changes { nodes {
      id action field member oldValue newValue actorId source changedAt } } } }"""
    changes = world.admin.ask(query, id=user.id)["user"]["changes"]["nodes"]
    assert len(changes) >= 3
    assert exported(world.admin, u=user.username)["changes"] == changes
    assert "changes" not in exported(user)


def test_who_may_export(world: World) -> None:
    user = world.new_user()
    cases: list[tuple[Caller, dict[str, Any], str]] = [
        (user, {"h": True}, "FORBIDDEN"),
        (world.colleague, {"u": user.username}, "FORBIDDEN"),
        (world.colleague, {"u": "nobody"}, "FORBIDDEN"),
        (world.foreign_admin, {"u": user.username}, "NOT_FOUND"),
        (world.admin, {"u": "nobody"}, "NOT_FOUND"),
    ]
    for caller, variables, expected in cases:
        assert codes(caller.graphql(EXPORT, **variables)) == expected


def test_an_export_that_reads_too_much_is_refused(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_read_size=2**20) as service:
        world = World(service)
        for _ in range(5):
            key = world.new_platform()
            world.member.rest("PATCH", key, {"metadata": {f"k{n}": "x" * 30_000 for n in range(10)}})
        assert codes(world.member.graphql(EXPORT)) == "LIMIT_EXCEEDED"


def test_the_command_line_does_the_same(world: World) -> None:
    user, url = user_with_data(world), world.service.settings.database_url
    done = command(url, "user", "export", user.username, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == exported(world.owner, u=user.username)
    assert "dark" in command(url, "user", "export", user.username).stdout
    full = command(url, "user", "export", user.username, "--include-hidden", "--json")
    assert documents(json.loads(full.stdout))[world.platform_key][0]["risk"] == "high"
    assert command(url, "user", "export", "nobody").returncode == 1
