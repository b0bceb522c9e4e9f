"""The security log: who did what to whom from where. Each kind of event, and that none contains a value."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gql_service.auth import tokens
from gql_service.observability.security_log import EventKind
from gql_service.schema.build import build_schema
from tests.support.security_lines import FIELDS, SecurityLines, mutate, succeed, token_id
from tests.support.world import REST, World

OPERATIONS = (Path(__file__).parent.parent.parent / "docs" / "operations.md").read_text()
NOT_LOGGED = {
    "patchPlatformMetadata": "a document has its own history",
    "replacePlatformMetadata": "the same",
    "clearPlatformMetadata": "the same",
    "setUserMetadata": "the same",
    "restorePlatformMetadata": "the same",
    "bulkPatchPlatformMetadata": "the same",
    "checkBadge": "a badge gives no rights",
    "markNotificationsRead": "it gives no rights",
    "testWebhook": "it sends no data",
    "redeliver": "it sends what the webhook gets anyway",
}
"""Mutations that are logged only if they are refused."""
LOGGED = {"createUser", "updateUser", "issueToken", "revokeToken"} | {
    "createTenant",
    "renameTenant",
    "deleteTenant",
    "createPlatform",
    "renamePlatform",
    "deletePlatform",
    "renameUser",
    "deleteUser",
    "revokeTokens",
    "linkIdentity",
    "unlinkIdentity",
    "defineMetadata",
    "removeMetadataDefinition",
    "setMetadataMode",
    "setRetention",
    "createWebhook",
    "updateWebhook",
    "rotateWebhookSecret",
    "deleteWebhook",
}
"""Mutations that are logged if they change something. Each has a test below, webhooks one in their folder."""


def test_every_mutation_is_logged_or_does_not_matter() -> None:
    mutation = build_schema()._schema.mutation_type
    assert mutation is not None
    assert not LOGGED & set(NOT_LOGGED)
    assert LOGGED | set(NOT_LOGGED) == set(mutation.fields)


def test_a_line_says_who_did_what_to_whom_from_where(world: World, lines: SecurityLines) -> None:
    headers = {"Authorization": f"Bearer {world.admin.token}", "X-Request-Id": "r-1.2_3"}
    mutation = f'mutation {{ a: revokeToken(input: {{id: "{token_id(world.member)}"}}) {{ __typename }} }}'
    world.service.client.post("/graphql", json={"query": mutation}, headers=headers)
    (line,) = lines.new()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "token.revoked",
        "log": "security",
        "source": "graphql",
        "operation": "revokeToken",
        "actor": world.admin.id,
        "target": f"{world.member.id}:{token_id(world.member)}",
        "reason": None,
        "number": None,
        "address": "127.0.0.1",
        "request_id": "r-1.2_3",
        "level": "info",
    }


@pytest.mark.parametrize("sent", ["", "a b", "é", "a" * 129, '"', "a\tb", "x;y"])
def test_an_invalid_request_id_is_replaced(world: World, lines: SecurityLines, sent: str) -> None:
    headers = {"Authorization": "Bearer wrong", "X-Request-Id": sent.encode("latin-1")}
    for path in ("/graphql", "/graphql/"):
        world.service.client.post(path, json={}, headers=headers)  # type: ignore[arg-type]
    first, second = (line["request_id"] for line in lines.new())
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert first != second


def test_all_lines_of_a_request_have_its_id(world: World, lines: SecurityLines) -> None:
    names = ["a", "b"]
    issue = " ".join(f"{name}: issueToken(input: {{}}) {{ __typename }}" for name in names)
    world.member.ask(f"mutation {{ {issue} }}")
    first, second = lines.new()
    assert first["request_id"] == second["request_id"]
    assert first["operation"] == second["operation"] == "issueToken"


def test_the_operation_has_the_names_of_fragments_fields(world: World, lines: SecurityLines) -> None:
    world.member.ask(
        """mutation { ...F ... on Mutation { b: markNotificationsRead(input: {}) { __typename } } }
        fragment F on Mutation { issueToken(input: {}) { __typename } }"""
    )
    assert [line["operation"] for line in lines.new()] == ["issueToken,markNotificationsRead"]


def test_users(world: World, lines: SecurityLines) -> None:
    name, id = f"u_{uuid4().hex}", uuid4().hex
    admin, owner = f"{world.tenant_id}::admin", world.owner
    succeed(
        owner, world, "createUser", username=name, userId=id, tenantId=world.tenant_id, email="a@example.com"
    )
    assert lines.summaries() == [("user.created", id, None)]
    steps: list[tuple[dict[str, Any], Any]] = [
        ({"permissions": [admin]}, ("user.permissions_changed", id, "GRANTED")),
        ({"permissions": [f"{world.tenant_id}::b"]}, ("user.permissions_changed", id, "GRANTED_AND_REMOVED")),
        ({"permissions": []}, ("user.permissions_changed", id, "REMOVED")),
        ({"isPlatformOwner": True}, ("user.owner_changed", id, "GRANTED")),
        ({"isPlatformOwner": False}, ("user.owner_changed", id, "REMOVED")),
        ({"email": "b@example.com"}, ("user.email_changed", id, "ADDRESS")),
        ({"emailVerified": True}, ("user.email_changed", id, "VERIFICATION")),
    ]
    for input, expected in steps:
        for _ in range(2):  # the second time, nothing changes
            succeed(owner, world, "updateUser", username=name, **input)
        assert lines.summaries() == [expected]
    succeed(owner, world, "updateUser", username=name, language="de", messagingDisabled=True)
    assert lines.summaries() == []


def test_a_user_who_begins_with_rights(world: World, lines: SecurityLines) -> None:
    id, permission = uuid4().hex, f"{world.tenant_id}::admin"
    user = {"username": f"u_{id}", "userId": id, "tenantId": world.tenant_id, "email": "a@example.com"}
    succeed(world.owner, world, "createUser", **user, permissions=[permission], isPlatformOwner=True)
    assert lines.summaries() == [
        ("user.created", id, None),
        ("user.permissions_changed", id, "GRANTED"),
        ("user.owner_changed", id, "GRANTED"),
    ]


def test_tokens(world: World, lines: SecurityLines) -> None:
    member = world.member
    succeed(member, world, "issueToken", replaces=token_id(member), overlapSeconds=60)
    replaced, issued = lines.summaries()
    assert replaced == ("token.replaced", f"{member.id}:{token_id(member)}", None)
    assert issued[0] == "token.issued"
    new = str(issued[1]).removeprefix(f"{member.id}:")
    for _ in range(2):  # the second time, nothing changes
        succeed(member, world, "revokeToken", id=new)
    assert lines.summaries() == [("token.revoked", f"{member.id}:{new}", None)]


def test_tokens_of_others_stay_when_the_user_gains_rights(world: World, lines: SecurityLines) -> None:
    succeed(world.admin, world, "issueToken", username=world.member.username)
    lines.summaries()
    permissions = [f"{world.tenant_id}::x"]
    succeed(world.admin, world, "updateUser", username=world.member.username, permissions=permissions)
    assert lines.summaries() == [("user.permissions_changed", world.member.id, "GRANTED")]


def test_the_lifecycle_of_a_user(world: World, lines: SecurityLines) -> None:
    user = world.new_user()
    lines.new()
    name = f"n_{uuid4().hex}"
    for old in (user.username, name):  # the second time, nothing changes
        succeed(world.admin, world, "renameUser", username=old, newUsername=name)
    assert lines.summaries() == [("user.renamed", user.id, None)]
    succeed(world.admin, world, "revokeTokens", username=name)
    assert lines.summaries() == [("token.revoked", f"{user.id}:{token_id(user)}", "ALL_OF_USER")]
    succeed(world.admin, world, "revokeTokens", username=name)
    succeed(world.admin, world, "deleteUser", username=name, dryRun=True)
    assert lines.summaries() == []
    succeed(world.admin, world, "deleteUser", username=name)
    assert lines.summaries() == [("user.erased", user.id, None)]


def test_the_lifecycle_of_tenants_and_platforms(world: World, lines: SecurityLines) -> None:
    tenant, platform, owner = uuid4().hex, f"p-{uuid4().hex}", world.owner
    steps: list[tuple[str, dict[str, object], list[tuple[str, str, None]]]] = [
        ("createTenant", {"tenantId": tenant, "name": "a"}, [("tenant.created", tenant, None)]),
        ("renameTenant", {"tenantId": tenant, "name": "b"}, [("tenant.renamed", tenant, None)]),
        ("renameTenant", {"tenantId": tenant, "name": "b"}, []),
        ("createPlatform", {"tenantId": tenant, "key": platform}, [("platform.created", platform, None)]),
        ("renamePlatform", {"platformKey": platform, "name": "b"}, [("platform.renamed", platform, None)]),
        ("renamePlatform", {"platformKey": platform, "name": "b"}, []),
        ("deletePlatform", {"platformKey": platform, "dryRun": True}, []),
        ("deletePlatform", {"platformKey": platform}, [("platform.deleted", platform, None)]),
        ("deleteTenant", {"tenantId": tenant, "dryRun": True}, []),
        ("deleteTenant", {"tenantId": tenant}, [("tenant.deleted", tenant, None)]),
    ]
    for name, input, expected in steps:
        succeed(owner, world, name, **input)
        assert lines.summaries() == expected, name


def test_definitions_and_modes(world: World, lines: SecurityLines) -> None:
    platform, target = world.platform_key, f"{world.platform_key}:age"
    steps: list[tuple[str, dict[str, object], tuple[str, str, str | None]]] = [
        ("defineMetadata", {"key": "age", "valueType": "number"}, ("definition.changed", target, None)),
        ("setMetadataMode", {"mode": "STRICT"}, ("platform.mode_changed", platform, "STRICT")),
        ("setMetadataMode", {"mode": "OPEN"}, ("platform.mode_changed", platform, "OPEN")),
        ("setRetention", {"historyMaxAge": 9}, ("platform.retention_changed", platform, None)),
        ("setRetention", {}, ("platform.retention_changed", platform, None)),
        ("removeMetadataDefinition", {"key": "age"}, ("definition.removed", target, None)),
    ]
    for name, input, expected in steps:
        for _ in range(2):  # the second time, nothing changes
            succeed(world.admin, world, name, platformKey=platform, **input)
        assert lines.summaries() == [expected]


def test_what_was_rejected_is_not_logged(world: World, lines: SecurityLines) -> None:
    """A transaction that was rolled back, after it had issued or changed something."""
    taken = {"username": world.member.username, "tenantId": world.tenant_id, "email": "a@example.com"}
    rejected: list[tuple[str, dict[str, Any]]] = [
        ("createUser", taken),
        ("updateUser", {"username": world.member.username, "permissions": ["nowhere::admin"]}),
        ("updateUser", {"username": world.member.username, "email": "no address"}),
        ("updateUser", {"username": world.member.username, "email": "b@x.example", "expectedRevision": 99}),
        ("issueToken", {"replaces": token_id(world.member)}),
        ("defineMetadata", {"platformKey": world.platform_key, "key": "", "valueType": "number"}),
    ]
    for name, input in rejected:
        assert mutate(world.owner, world, name, **input)["data"]["x"]["userErrors"] != []
    assert lines.new() == []


def test_a_replacement_that_is_rejected_is_not_logged(world: World, lines: SecurityLines) -> None:
    """The transaction has already shortened the old token when it counts the others."""
    for _ in range(99):
        succeed(world.member, world, "issueToken")
    assert [line["event"] for line in lines.new()] == ["token.issued"] * 99
    replaced = {"replaces": token_id(world.member), "overlapSeconds": 60}
    body = mutate(world.member, world, "issueToken", **replaced)
    assert body["data"]["x"]["userErrors"] == [{"code": "TOO_MANY_TOKENS"}]
    assert lines.new() == []


@pytest.mark.parametrize("scheme", ["Bearer", "Token"])
def test_failed_authentication(world: World, lines: SecurityLines, scheme: str) -> None:
    revoked, unknown = world.new_user(), tokens.generate()
    succeed(revoked, world, "revokeToken", id=token_id(revoked))
    wrong_secret = tokens.Token(token_id(world.member), tokens.generate().secret)
    lines.new()
    for text in ("wrong", str(unknown), str(wrong_secret), revoked.token):
        for path in ("/graphql?query={__typename}", f"{REST}?platform_key=x"):
            world.service.client.get(path, headers={"Authorization": f"{scheme} {text}"})
    found = lines.new()
    expected = [
        (None, "MALFORMED"),
        (unknown.id, "UNKNOWN"),
        (wrong_secret.id, "UNKNOWN"),
        (token_id(revoked), "REVOKED"),
    ]
    assert [(each["source"], each["target"], each["reason"]) for each in found] == [
        (source, *each) for each in expected for source in ("graphql", "rest")
    ]
    assert {(each["event"], each["actor"]) for each in found} == {("authentication.failed", None)}


def test_without_a_token_nothing_has_failed(world: World, lines: SecurityLines) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        world.service.client.get("/graphql?query={__typename}", headers=headers)
        world.service.client.get(REST, headers=headers)
    assert lines.new() == []


def test_the_log_never_contains_values(world: World, lines: SecurityLines) -> None:
    """Each kind of event that a server logs, by requests full of secrets."""
    secret = f"canary{uuid4().hex}"
    address = f"{secret}@example.com"
    unknown = tokens.generate()
    user = {"username": f"u_{uuid4().hex}", "tenantId": world.tenant_id, "email": address}
    succeed(world.owner, world, "createUser", **user, permissions=[f"{world.tenant_id}::{secret}"])
    name = user["username"]
    succeed(world.owner, world, "updateUser", username=name, email=f"{secret}@b.example")
    succeed(world.owner, world, "updateUser", username=name, permissions=[], isPlatformOwner=True)
    succeed(world.owner, world, "renameUser", username=name, newUsername=secret)
    succeed(world.member, world, "issueToken", label=secret, replaces=token_id(world.member))
    succeed(world.admin, world, "revokeToken", id=token_id(world.colleague))
    definition = {"platformKey": world.platform_key, "key": "k"}
    succeed(
        world.admin,
        world,
        "defineMetadata",
        **definition,
        valueType="string",
        description=secret,
        choices=[secret],
    )
    succeed(world.admin, world, "setMetadataMode", platformKey=world.platform_key, mode="STRICT")
    succeed(world.admin, world, "setRetention", platformKey=world.platform_key, historyMaxAge=9)
    succeed(world.admin, world, "removeMetadataDefinition", **definition)
    identity = {"username": world.member.username, "issuer": "https://id.example.com", "subject": secret}
    succeed(world.admin, world, "linkIdentity", **identity)
    succeed(world.admin, world, "unlinkIdentity", **identity)
    values = {"platformKey": secret, "username": secret, "metadata": {secret: secret}}
    mutate(world.admin, world, "patchPlatformMetadata", **values)
    mutate(world.admin, world, "updateUser", username=secret, email=address)
    mutate(world.admin, world, "createUser", **user | {"tenantId": secret})
    mutate(world.admin, world, "revokeToken", id=secret)
    world.admin.rest("PATCH", secret, {"metadata": {secret: secret}}, username=secret)
    for text in (secret, f"upm_{secret}", str(unknown)):
        headers = {"Authorization": f"Bearer {text}", "X-Forwarded-For": secret, "Cookie": secret}
        world.service.client.post("/graphql", json={"query": secret}, headers=headers)
        world.service.client.patch(f"{REST}?platform_key={secret}", json={secret: 1}, headers=headers)
    text = lines.path.read_text()
    kinds = {line["event"] for line in lines.new()}
    by_command_line = {"tenant", "platform", "data", "database", "keys"} | {"webhook"}
    missing = {kind.value for kind in EventKind} - kinds
    assert missing == {
        "authentication.throttled",
        "user.erased",
        "user.exported",
        "platform.created",
        "tenant.created",
    } | {kind.value for kind in EventKind if kind.value.split(".")[0] in by_command_line} - {
        "platform.mode_changed",
        "platform.retention_changed",
    }
    for hidden in (secret, unknown.secret, world.member.token, world.admin.token, "example.com"):
        assert hidden not in text


def test_an_export_of_a_user_is_logged(world: World, lines: SecurityLines) -> None:
    query = "query ($u: String, $h: Boolean!) { exportUser(username: $u, includeHidden: $h) }"
    world.member.ask(query, h=False)
    world.admin.ask(query, u=world.member.username, h=True)
    world.colleague.graphql(query, u=world.member.username, h=False)
    assert lines.summaries()[:2] == [
        ("user.exported", world.member.id, None),
        ("user.exported", world.member.id, "WITH_HIDDEN"),
    ]


def _table(heading: str) -> list[str]:
    """The first column of the table below a heading of `docs/operations.md`."""
    (section,) = re.findall(rf"^### {heading}\n(.*?)(?=^##)", OPERATIONS, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)


def test_every_kind_of_event_is_documented() -> None:
    assert _table("Events") == [kind.value for kind in EventKind]


def test_every_field_is_documented() -> None:
    assert set(_table("Fields")) == FIELDS
