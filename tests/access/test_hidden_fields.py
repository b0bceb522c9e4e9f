"""Hidden objects look like objects that do not exist, and private fields are hidden on every route."""

import re
from base64 import b64encode
from typing import Any, NamedTuple

import pytest

from tests.support.world import Caller, World

SELF_FIELDS = {
    "email": "email",
    "permissions": "permissions",
    "isPlatformOwner": "isPlatformOwner",
    "revision": "revision",
    "createdAt": "createdAt",
    "updatedAt": "updatedAt",
    "platformMetadata": 'platformMetadata(platformKey: "KEY") { username }',
    "userMetadata": "userMetadata { username }",
    "emailVerified": "emailVerified",
    "language": "language",
    "passwordChangeDisabled": "passwordChangeDisabled",
    "projectCreationDisabled": "projectCreationDisabled",
    "profileFieldChangeDisabled": "profileFieldChangeDisabled",
    "messagingDisabled": "messagingDisabled",
    "recentProjects": "recentProjects",
    "lastSeenReleaseVersion": "lastSeenReleaseVersion",
    "personalAgentPermissions": "personalAgentPermissions",
    "optInDecisions": "optInDecisions { name }",
    "notifications": "notifications(first: 1) { nodes { id } }",
    "unreadNotificationCount": "unreadNotificationCount",
    "tokens": "tokens(first: 1) { nodes { id } }",
    "identities": "identities { subject }",
}
ROUTES = {
    "by username": 'user(by: {username: "NAME"}) { FIELD }',
    "by user id": 'user(by: {userId: "ID"}) { FIELD }',
    "by global id": 'user(by: {id: "GID"}) { FIELD }',
    "alias": 'a: user(by: {username: "NAME"}) { displayName: FIELD }',
    "inline fragment": 'user(by: {username: "NAME"}) { ... on Node { ... on User { ... { FIELD } } } }',
    "directive": 'user(by: {username: "NAME"}) { ... @include(if: true) { FIELD } }',
    "node": 'node(id: "GID") { ... on User { FIELD } }',
    "nodes": 'nodes(ids: ["GID"]) { ... on User { FIELD } }',
    "entity by id": '_entities(representations: [{__typename: "User", id: "GID"}]) { ... on User { FIELD } }',
    "entity by user id": """_entities(representations: [
        {__typename: "User", userId: "ID", email: "mine", permissions: ["a::admin"]}]) {
        ... on User { FIELD } }""",
    "entity by name": """_entities(representations: [
        {__typename: "User", username: "NAME", subject: {userId: "x"}}]) { ... on User { FIELD } }""",
}
ADMIN_ROUTES = {
    "users.nodes": """platform(key: "KEY") {
        users(first: 1, where: {usernamePrefix: "NAME"}) { nodes { FIELD } } }""",
    "users.edges": """platform(key: "KEY") {
        users(last: 1, where: {usernamePrefix: "NAME"}) { edges { node { FIELD } } } }""",
    "entity of platform": """_entities(representations: [{__typename: "Platform", key: "KEY"}]) {
        ... on Platform { users(first: 1, where: {usernamePrefix: "NAME"}) { nodes { FIELD } } } }""",
    "document": 'platformMetadata(platformKey: "KEY", username: "NAME") { user { FIELD } }',
    "document by id": 'node(id: "DOC") { ... on PlatformMetadata { user { FIELD } } }',
}


def gid(type_name: str, key: str) -> str:
    return b64encode(f"{type_name}:{key}".encode()).decode()


class Target(NamedTuple):
    """A user, and a platform that they are a member of."""

    user: Caller
    platform_key: str

    def query(self, route: str, field: str) -> str:
        texts = {
            "NAME": self.user.username,
            "KEY": self.platform_key,
            "GID": gid("User", self.user.id),
            "DOC": gid("PlatformMetadata", f"{self.user.id}:{self.platform_key}"),
            "ID": self.user.id,
        }
        query = "{ " + route.replace("FIELD", SELF_FIELDS.get(field, field)) + " }"
        return re.sub(rf"\b({'|'.join(texts)})\b", lambda match: texts[match[1]], query)


def assert_denied(viewer: Caller, query: str) -> None:
    body = viewer.graphql(query)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"], (query, body)
    assert set(_leaves(body["data"])) <= {None}, (query, body)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return [leaf for child in children for leaf in _leaves(child)]
    return [value]


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_a_colleague_reads_what_is_public_and_nothing_private(world: World, route: str) -> None:
    target = Target(world.member, world.platform_key)
    assert world.member.username in _leaves(world.colleague.ask(target.query(route, "username")))
    for field in SELF_FIELDS:
        assert_denied(world.colleague, target.query(route, field))


@pytest.mark.parametrize("route", (ROUTES | ADMIN_ROUTES).values(), ids=ROUTES | ADMIN_ROUTES)
def test_admins_read_what_is_private(world: World, route: str) -> None:
    member = world.new_user(language="de", last_seen_release_version="1")
    target = Target(member, world.platform_key)
    for viewer in (world.admin, world.owner):
        for field in SELF_FIELDS:
            assert None not in _leaves(viewer.ask(target.query(route, field)))


@pytest.mark.parametrize("route", (ROUTES | ADMIN_ROUTES).values(), ids=ROUTES | ADMIN_ROUTES)
def test_an_admin_reads_nothing_private_of_a_guest_but_their_document(world: World, route: str) -> None:
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::editor"])
    target = Target(guest, world.platform_key)
    assert guest.username in _leaves(world.admin.ask(target.query(route, "username")))
    assert guest.username in _leaves(world.admin.ask(target.query(route, "platformMetadata")))
    for field in SELF_FIELDS.keys() - {"platformMetadata"}:
        assert_denied(world.admin, target.query(route, field))


def test_a_fragment_does_not_hide_what_is_private(world: World) -> None:
    query = """query ($n: String!) { user(by: {username: $n}) { ...A } }
      fragment A on User { ...B }  fragment B on Node { ... on User { email } }"""
    body = world.colleague.graphql(query, n=world.member.username)
    assert body["data"] == {"user": {"email": None}}
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert world.member.user.email not in str(body)


def test_one_private_field_does_not_affect_the_rest_of_the_response(world: World) -> None:
    query = """query ($n: String!) {
      a: user(by: {username: $n}) { email } b: user(by: {username: $n}) { username } }"""
    body = world.colleague.graphql(query, n=world.member.username)
    assert body["data"] == {"a": {"email": None}, "b": {"username": world.member.username}}
    assert [error["path"] for error in body["errors"]] == [["a", "email"]]


def test_the_payload_of_a_mutation_has_nothing_private_of_a_guest(world: World) -> None:
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::editor"])
    patch = """mutation ($k: String!, $u: String!) {
      patchPlatformMetadata(input: {platformKey: $k, username: $u, metadata: {a: 1}}) {
        platformMetadata { user { username FIELD } } } }"""
    variables = {"k": world.platform_key, "u": guest.username}
    assert world.admin.ask(patch.replace("FIELD", "displayName"), **variables)
    body = world.admin.graphql(patch.replace("FIELD", "userMetadata { metadata }"), **variables)
    user = body["data"]["patchPlatformMetadata"]["platformMetadata"]["user"]
    assert user == {"username": guest.username, "userMetadata": None}
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def unseen(world: World, viewer: Caller, query: str, ids: list[str]) -> None:
    """Each of these ids has exactly the response of the last one, which does not exist."""
    responses = [viewer.graphql(query, id=id) for id in ids]
    assert "errors" not in responses[-1]
    assert set(_leaves(responses[-1]["data"])) == {None}
    assert all(response == responses[-1] for response in responses), responses


def test_hidden_users_look_like_users_that_do_not_exist(world: World) -> None:
    ids = [world.member.id, world.admin.id, "no-such-user"]
    names = [world.member.username, world.admin.username, "no-such-user"]
    for viewer in (world.stranger, world.foreign_admin):
        unseen(world, viewer, "query ($id: ID!) { user(by: {userId: $id}) { id email } }", ids)
        unseen(world, viewer, "query ($id: String!) { user(by: {username: $id}) { id email } }", names)
        for query in (
            "query ($id: ID!) { user(by: {id: $id}) { id email } }",
            "query ($id: ID!) { node(id: $id) { id ... on User { email } } }",
            "query ($id: ID!) { nodes(ids: [$id]) { id ... on User { email } } }",
        ):
            unseen(world, viewer, query, [gid("User", id) for id in ids])
        for key, values in {"userId": ids, "username": names, "id": [gid("User", id) for id in ids]}.items():
            query = f"""query ($id: String!) {{ _entities(representations: [
              {{__typename: "User", {key}: $id}}]) {{ ... on User {{ id email }} }} }}"""
            unseen(world, viewer, query, values)


def test_hidden_platforms_look_like_platforms_that_do_not_exist(world: World) -> None:
    keys = [world.platform_key, "no-such-platform"]
    for viewer in (world.stranger, world.foreign_admin):
        unseen(
            world,
            viewer,
            "query ($id: String!) { platform(key: $id) { id users(first: 1) { totalCount } } }",
            keys,
        )
        unseen(
            world, viewer, "query ($id: ID!) { node(id: $id) { id } }", [gid("Platform", key) for key in keys]
        )
        query = """query ($id: String!) { _entities(representations: [
          {__typename: "Platform", key: $id}]) { ... on Platform { id } } }"""
        unseen(world, viewer, query, keys)


def test_hidden_documents_look_like_documents_that_do_not_exist(world: World) -> None:
    key = world.platform_key
    ids = [f"{world.member.id}:{key}", f"{world.member.id}:", f"{world.stranger.id}:{key}", "no-such-user:"]
    ids = [gid("PlatformMetadata", id) for id in ids]
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::editor"])
    for viewer in (world.colleague, world.foreign_admin, guest):
        unseen(world, viewer, "query ($id: ID!) { node(id: $id) { id } }", [ids[0], ids[-1]])
        unseen(world, viewer, "query ($id: ID!) { nodes(ids: [$id]) { id } }", [ids[1], ids[-1]])
        query = """query ($id: String!) { _entities(representations: [
          {__typename: "PlatformMetadata", id: $id}]) { ... on PlatformMetadata { id } } }"""
        unseen(world, viewer, query, [ids[0], ids[-1]])
    unseen(world, world.stranger, "query ($id: ID!) { node(id: $id) { id } }", ids)


@pytest.mark.parametrize(
    "id", ["", "=", "a", "é", "\u20ac" * 9, *map(gid, ("User", "Badge", "", "Query", "_Service"), "\0a\0b\0")]
)
def test_malformed_ids_find_nothing(world: World, id: str) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } user(by: {id: $id}) { id } }"
    assert world.owner.ask(query, id=id) == {"node": None, "nodes": [None], "user": None}


def test_too_many_ids_are_refused(world: World) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert world.member.ask(query, ids=["x"] * 100) == {"nodes": [None] * 100}
    assert world.member.graphql(query, ids=["x"] * 101)["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_a_user_that_the_caller_may_not_access_is_not_looked_up(world: World) -> None:
    for username in (world.member.username, "no-such-user"):
        with world.service.statements() as statements:
            assert world.colleague.rest("GET", world.platform_key, username=username).status_code == 403
        assert len(statements) == 2  # the caller and the platform
