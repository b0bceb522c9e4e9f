"""Scopes of tokens: every root field and REST method with every scope, and tokens limited to platforms."""

import re
from itertools import combinations
from typing import Any

import pytest

from tests.support.access_queries import SELECT
from tests.support.cli_processes import run_command
from tests.support.service import Service
from tests.support.users import codes, verdict, write
from tests.support.world import Caller, World

SCOPES = ("READ", "WRITE", "EVALUATE", "EVENTS", "ADMIN")
SCOPE = re.compile("|".join(SCOPES))
SETS = [set(each) for size in (1, 2, 5) for each in combinations(SCOPES, size)]
TYPENAME = "{ __typename }"
WITHOUT_FIELDS = {"Query.exportUser"}
QUERIES = {name: text for name, text in SELECT.items() if name.startswith("Query.") and "_" not in name} | {
    "Query.me": "me",
    "Query.session": "session",
}
MUTATIONS = {name: text for name, text in SELECT.items() if name.startswith("Mutation.")}
ADMINS_ONLY = {
    "Mutation.bulkPatchPlatformMetadata",
    "Mutation.restorePlatformMetadata",
    "Mutation.defineMetadata",
    "Mutation.removeMetadataDefinition",
    "Mutation.setMetadataMode",
    "Mutation.setRetention",
    "Mutation.createUser",
    "Mutation.checkBadge",
    "Mutation.renameUser",
    "Mutation.linkIdentity",
    "Mutation.unlinkIdentity",
    "Mutation.renamePlatform",
    "Query.users",
}
WITH_EVENTS = {
    "Mutation.createWebhook",
    "Mutation.updateWebhook",
    "Mutation.rotateWebhookSecret",
    "Mutation.deleteWebhook",
    "Mutation.testWebhook",
    "Mutation.redeliver",
}
"""For admins whose tokens have the scope EVENTS."""
OWNERS_ONLY = {
    "Query.tenants",
    "Query.platformOwners",
    "Mutation.createTenant",
    "Mutation.renameTenant",
    "Mutation.deleteTenant",
    "Mutation.createPlatform",
    "Mutation.deletePlatform",
}
UNRESTRICTED = {"Mutation.linkIdentity"}
"""What only tokens without scopes may do."""
ENDING = {"Mutation.revokeToken", "Mutation.revokeTokens", "Mutation.deleteUser", "Mutation.renameUser"}
"""What would end the token, or the user, with which the others are tested."""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def needed_scopes(name: str) -> set[str]:
    """What a root field needs for the viewer's own data, or for anything if only admins may use it."""
    use = "READ" if name.startswith("Query.") else "WRITE"
    if name in WITH_EVENTS:
        return {use, "ADMIN", "EVENTS"}
    return {use, "ADMIN"} if name in ADMINS_ONLY | OWNERS_ONLY else {use}


def scopes_of(description: str) -> set[str]:
    """The scopes that the description of a field names."""
    text, _, requirement = description.rpartition("Requires:")
    return set(SCOPE.findall(requirement)) | set(re.findall(r"Needs the scope (\w+)", text))


def limited(user: Caller, scopes: set[str] | None = None, platforms: list[str] | None = None) -> Caller:
    """A token of the user with these scopes, limited to these platforms."""
    input: dict[str, Any] = {} if scopes is None else {"scopes": sorted(scopes)}
    input |= {} if platforms is None else {"platformKeys": platforms}
    return Caller(user.service, user.user, write(user, "issueToken", input, "token")["token"])


def is_forbidden(body: dict[str, Any]) -> bool:
    return "errors" in body and codes(body) == "FORBIDDEN"


def filled(text: str, world: World, user: Caller) -> str:
    replacements = {
        "DOC": 'platformKey: "KEY", username: "NAME"',
        "KEY": world.platform_key,
        "NAME": user.username,
        "TENANT": world.tenant_id,
        "TOKEN": user.token.split("_")[1],
        "GID": "VXNlcjp4",
        "FRESH": f"fresh.{user.username}",
    }
    for name, value in replacements.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("scopes", SETS, ids=lambda scopes: "+".join(sorted(scopes)))
def test_every_root_field_needs_its_scopes(world: World, scopes: set[str]) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    token = limited(admin, scopes)
    for name, text in (QUERIES | MUTATIONS).items():
        kind = "query" if name in QUERIES else "mutation"
        needed = needed_scopes(name)
        if name not in OWNERS_ONLY and (name not in ENDING or "WRITE" not in scopes):
            selection = "" if name in WITHOUT_FIELDS else TYPENAME
            body = token.graphql(f"{kind} {{ {filled(text, world, admin)} {selection} }}")
            is_allowed = needed <= scopes and name not in UNRESTRICTED
            assert is_forbidden(body) == (not is_allowed), (name, body)
    document = f"""mutation {{ patchPlatformMetadata(input: {{platformKey: "{world.platform_key}",
      metadata: {{a: 1}}}}) {{ replayed userErrors {{ code }} platformMetadata {{ revision }} }} }}"""
    body = token.graphql(document)
    assert ("errors" not in body) == ({"READ", "WRITE"} <= scopes)


def test_the_schema_says_which_scopes_each_root_field_needs(world: World) -> None:
    data = world.admin.ask(
        "{ __schema { queryType { fields { ...d } } mutationType { fields { ...d } } } }"
        " fragment d on __Field { name description }"
    )["__schema"]
    documented = {
        f"{type_}.{field['name']}": scopes_of(field["description"])
        for type_, key in (("Query", "queryType"), ("Mutation", "mutationType"))
        for field in data[key]["fields"]
    }
    assert {name: documented[name] for name in QUERIES | MUTATIONS} == {
        name: needed_scopes(name) for name in QUERIES | MUTATIONS
    }
    assert documented["Query.limits"] == set()


@pytest.mark.parametrize("scopes", SETS, ids=lambda scopes: "+".join(sorted(scopes)))
def test_rest_needs_the_same_scopes(world: World, scopes: set[str]) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    token, member = limited(admin, scopes), world.new_user()
    body = {"metadata": {"a": 1}}
    for other in (None, member.username):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            sent = body if method in ("PATCH", "PUT") else None
            response = token.rest(method, world.platform_key, sent, username=other)
            needed = {"READ" if method == "GET" else "WRITE"} | ({"ADMIN"} if other else set())
            assert (response.status_code == 403) == (not needed <= scopes), (method, response.text)
            if method in ("PATCH", "PUT") and needed <= scopes:
                assert response.status_code == (200 if "READ" in scopes else 204)
                assert bool(response.content) == ("READ" in scopes)
    response = limited(admin, {"WRITE"}).rest("GET", world.platform_key)
    assert response.json() == {"error": "The access token does not have the scope READ."}


def test_without_admin_an_owner_does_nothing_that_only_owners_may_do(world: World) -> None:
    token = limited(world.owner, {"READ", "WRITE", "EVALUATE", "EVENTS"})
    for name in OWNERS_ONLY:
        kind, text = ("query", QUERIES[name]) if name in QUERIES else ("mutation", MUTATIONS[name])
        body = token.graphql(f"{kind} {{ {filled(text, world, world.owner)} {TYPENAME} }}")
        assert is_forbidden(body), (name, body)
    assert limited(world.owner, {"READ", "ADMIN"}).ask("{ tenants(first: 1) { nodes { name } } }")


def test_without_admin_an_admin_is_an_ordinary_user(world: World) -> None:
    for user in (world.admin, world.owner):
        token = limited(user, {"READ", "WRITE"})
        assert token.ask("{ me { permissions isPlatformOwner } }")
        assert (
            verdict(token, "updateUser", {"username": world.member.username, "language": "de"}) == "FORBIDDEN"
        )
        assert verdict(token, "issueToken", {"username": world.member.username}) == "FORBIDDEN"


def test_a_token_issues_only_narrower_ones(world: World) -> None:
    user = world.new_user()
    token = limited(user, {"READ", "WRITE"}, [world.platform_key, "other"])
    fields = "accessToken { scopes platformKeys }"
    issued = write(token, "issueToken", {}, fields)["accessToken"]
    assert issued == {"scopes": ["READ", "WRITE"], "platformKeys": sorted([world.platform_key, "other"])}
    narrower = {"scopes": ["WRITE"], "platformKeys": ["other"]}
    with_write = write(token, "issueToken", narrower, "token")["token"]
    assert codes(Caller(user.service, user.user, with_write).graphql("{ me { username } }")) == "FORBIDDEN"
    for input, name in (
        ({"scopes": ["READ", "ADMIN"]}, "scopes"),
        ({"platformKeys": [world.other_platform_key]}, "platformKeys"),
    ):
        assert verdict(token, "issueToken", input) == f"NOT_ALLOWED {name}"
    for name in ("scopes", "platformKeys"):
        assert verdict(user, "issueToken", {name: list[str]()}) == f"INVALID_VALUE {name}"
    everything = write(user, "issueToken", {}, fields)["accessToken"]
    assert everything == {"scopes": list(SCOPES), "platformKeys": None}


def test_a_token_that_is_limited_to_platforms_reaches_nothing_else(world: World) -> None:
    token, other = limited(world.admin, None, [world.platform_key]), world.new_platform()
    assert token.rest("GET", world.platform_key, username=world.member.username).status_code == 200
    for key in (other, world.other_platform_key, "missing"):
        response = token.rest("GET", key)
        assert (response.status_code, response.json()) == (
            403,
            {"error": "The access token is limited to other platforms."},
        )
        query = f'{{ platformMetadata(platformKey: "{key}") {{ metadata }} }}'
        assert codes(token.graphql(query)) == "FORBIDDEN"
    assert codes(token.graphql("{ me { userMetadata { metadata } } }")) == "FORBIDDEN"
    assert token.ask(f'{{ platform(key: "{world.platform_key}") {{ key }} }}')["platform"]
    assert token.ask(f'{{ platform(key: "{other}") {{ key }} }}')["platform"] is None
    for mutation, input in (
        ("updateUser", {"language": "de"}),
        ("updateUser", {"username": world.member.username, "permissions": []}),
        ("checkBadge", {"username": world.member.username, "badge": "projectCreated"}),
        ("issueToken", {"username": world.member.username}),
    ):
        assert verdict(token, mutation, input) == "FORBIDDEN"


def test_the_command_line_issues_tokens_with_scopes(world: World, database_url: str) -> None:
    arguments = ("--scope", "READ", "--platform", world.platform_key)
    output = run_command(database_url, "token", "issue", world.member.username, *arguments)
    token = Caller(world.service, world.member.user, output.strip().splitlines()[-1])
    assert token.rest("GET", world.platform_key).status_code == 200
    assert token.rest("DELETE", world.platform_key).status_code == 403
    assert token.rest("GET", world.other_platform_key).status_code == 403
