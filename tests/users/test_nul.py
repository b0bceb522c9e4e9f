"""U+0000, which PostgreSQL cannot store: refused or not found in every text, on both databases."""

from base64 import b64encode
from uuid import uuid4

import pytest

from tests.support.service import Service
from tests.support.users import NOBODY, codes, unchanged
from tests.support.world import World

NUL = r"\u0000"
INPUTS = {
    "updateUser": [
        'username: "NAME\0"',
        'username: "\0"',
        *(
            f'username: "NAME", {field}'
            for field in (
                'language: "\0"',
                'language: "de\0"',
                'lastSeenReleaseVersion: "1\0"',
                'profileFields: {a: {value: "x\0"}}',
                'profileFields: {a: {visibility: "tenant\0"}}',
                'optInDecisions: [{name: "\0", optedIn: true}]',
                'email: "a\0@example.com"',
                'email: "a@example.com\0"',
                'image: "https://example.com/\0"',
                'permissions: ["TENANT::\0"]',
                'permissions: ["TENANT\0::read"]',
                'permissions: ["\0::read"]',
            )
        ),
    ],
    "createUser": [
        'username: "ada\0", email: "a@b", tenantId: "TENANT"',
        'username: "FRESH", email: "a\0@b", tenantId: "TENANT"',
        'username: "FRESH", email: "a@b", tenantId: "TENANT\0"',
        'username: "FRESH", email: "a@b", tenantId: "\0"',
        'username: "FRESH", email: "a@b", tenantId: "TENANT", userId: "\0"',
        'username: "FRESH", email: "a@b", tenantId: "TENANT", permissions: ["\0::read"]',
        'username: "FRESH", email: "a@b", tenantId: "TENANT", lastSeenReleaseVersion: "\0"',
        'username: "FRESH", email: "a@b", tenantId: "TENANT", image: "https://\0"',
    ],
    "checkBadge": [
        'username: "NAME\0", badge: "projectCreated"',
        'username: "NAME", badge: "projectCreated\0"',
        'username: "NAME", badge: "\0"',
    ],
    "issueToken": [
        'username: "NAME\0"',
        'username: "NAME", label: "\0"',
        'username: "NAME", replaces: "\0"',
        'username: "NAME", replaces: "TOKEN\0"',
    ],
    "revokeToken": ['id: "\0"', 'id: "TOKEN\0"'],
}
QUERIES = [
    'user(by: {username: "NAME\0"}) { email }',
    'user(by: {userId: "\0"}) { email }',
    'user(by: {id: "\0"}) { email }',
    'user(by: {id: "GID"}) { email }',
    'platform(key: "KEY\0") { id }',
    'platform(key: "KEY") { users(first: 1, where: {usernamePrefix: "\0"}) { totalCount } }',
    'platform(key: "KEY") { users(first: 1, after: "\0") { totalCount } }',
    'platform(key: "KEY") { users(first: 1, after: "CURSOR") { totalCount } }',
    'platform(key: "KEY") { users(last: 1, before: "CURSOR") { totalCount } }',
    'me { notifications(first: 1, after: "CURSOR") { nodes { id } } }',
    'me { notifications(last: 1, before: "CURSOR") { nodes { id } } }',
    'me { notifications(first: 1, before: "\0") { nodes { id } } }',
    'me { platformMetadata(platformKey: "\0") { revision } }',
    'platformMetadata(platformKey: "KEY", username: "\0") { revision }',
]
EXPECTED = {"BAD_USER_INPUT", "NOT_FOUND", "GRAPHQL_VALIDATION_FAILED"}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def filled(world: World, text: str) -> str:
    texts = {
        "\0": NUL,
        "FRESH": uuid4().hex,
        "NAME": world.member.username,
        "TENANT": world.tenant_id,
        "TOKEN": world.member.token.split("_")[1],
        "KEY": world.platform_key,
        "CURSOR": b64encode(b"a\0b").decode(),
        "GID": b64encode(b"User:a\0b").decode(),
    }
    for name, value in texts.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("mutation", INPUTS)
def test_no_mutation_stores_u_0000_or_fails_on_it(world: World, mutation: str) -> None:
    found = []
    with unchanged(world, world.member, world.admin):
        for input in INPUTS[mutation]:
            query = f"mutation {{ {mutation}(input: {{{input}}}) {{ userErrors {{ code field message }} }} }}"
            for caller in (world.owner, world.admin, world.member):
                body = caller.graphql(filled(world, query))
                if "errors" in body:
                    refused = set(codes(body).split()) <= EXPECTED | {"FORBIDDEN"}
                else:
                    refused = bool(body["data"][mutation]["userErrors"])
                found += [] if refused else [(input, caller is world.owner, str(body)[:200])]
    assert found == []


@pytest.mark.parametrize("input", [r'ids: ["\u0000"]', r'ids: ["\u0000", "\u0000"]'])
def test_no_notification_id_contains_u_0000(world: World, input: str) -> None:
    query = f"mutation {{ markNotificationsRead(input: {{{input}}}) {{ userErrors {{ code }} readIds }} }}"
    with unchanged(world, world.member):
        assert world.member.ask(query)["markNotificationsRead"] == {"userErrors": [], "readIds": []}


@pytest.mark.parametrize("field", ["profileFields", "recentProjects", "personalAgentPermissions"])
@pytest.mark.parametrize("value", [{"\0": None}, {"a\0": 1}, {"a": {"\0": 1}}, {"a": {"value": "\0"}}])
def test_a_request_body_with_u_0000_is_refused(world: World, field: str, value: object) -> None:
    query = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }"
    with unchanged(world, world.member):
        assert codes(world.member.graphql(query, input={field: value})) == "BAD_USER_INPUT"


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_finds_u_0000_or_fails_on_it(world: World, query: str) -> None:
    for caller in (world.owner, world.admin, world.member):
        body = caller.graphql(filled(world, f"{{ {query} }}"))
        if "errors" in body:
            assert set(codes(body).split()) <= EXPECTED | {"FORBIDDEN"}, body
        else:
            assert list(body["data"].values()) == [None], body


def test_a_username_with_u_0000_is_not_found(world: World) -> None:
    query = 'mutation { updateUser(input: {username: "NAME", language: "de"}) { user { id } } }'
    responses = [
        world.admin.graphql(query.replace("NAME", name))
        for name in (NOBODY, NUL, world.member.username + NUL, world.stranger.username + NUL)
    ]
    assert all(response == responses[0] for response in responses)
    assert codes(responses[0]) == "NOT_FOUND"
