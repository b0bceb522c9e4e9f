"""Refused writes in the security log: those for which the caller lacks the right, and no others."""

from typing import Any

from tests.support.security_lines import SecurityLines, mutate, succeed, token_id
from tests.support.world import REST, Caller, World


def test_refused_mutations(world: World, lines: SecurityLines) -> None:
    member, admin, other = world.member, world.admin, world.stranger
    key, name = world.platform_key, world.colleague.username
    document = {"platformKey": key, "metadata": {"a": 1}}
    hidden = {"platformKey": world.other_platform_key, "metadata": {"a": 1}}
    refused: list[tuple[Caller | None, str, dict[str, Any], Any]] = [
        (None, "patchPlatformMetadata", document, (None, "UNAUTHENTICATED")),
        (None, "issueToken", {}, (None, "UNAUTHENTICATED")),
        (member, "patchPlatformMetadata", document | {"username": name}, (key, "FORBIDDEN")),
        (member, "patchPlatformMetadata", hidden, (world.other_platform_key, "NOT_FOUND")),
        (member, "patchPlatformMetadata", document | {"platformKey": "none"}, (None, "NOT_FOUND")),
        (admin, "patchPlatformMetadata", document | {"username": other.username}, (other.id, "NOT_FOUND")),
        (member, "restorePlatformMetadata", {"platformKey": key, "revision": 1}, (member.id, "FORBIDDEN")),
        (member, "setMetadataMode", {"platformKey": key, "mode": "OPEN"}, (key, "FORBIDDEN")),
        (member, "issueToken", {"username": name}, (world.colleague.id, "FORBIDDEN")),
        (admin, "issueToken", {"username": other.username}, (other.id, "NOT_FOUND")),
        (admin, "revokeToken", {"id": token_id(other)}, (other.id, "NOT_FOUND")),
        (admin, "revokeToken", {"id": "none"}, (None, "NOT_FOUND")),
        (member, "checkBadge", {"username": name, "badge": "x"}, (world.colleague.id, "FORBIDDEN")),
        (member, "updateUser", {"email": "a@example.com"}, (member.id, "NOT_ALLOWED")),
        (admin, "updateUser", {"isPlatformOwner": True}, (admin.id, "NOT_ALLOWED")),
    ]
    for caller, mutation, input, expected in refused:
        mutate(caller, world, mutation, **input)
        (line,) = lines.new()
        assert (line["event"], line["operation"]) == ("write.refused", mutation)
        assert line["actor"] == (caller and caller.id)
        assert (line["target"], line["reason"]) == expected, mutation


def test_refused_patches_of_a_bulk(world: World, lines: SecurityLines) -> None:
    """An admin must not be able to look for users of other tenants without a trace."""
    names = [world.member.username, world.stranger.username, "nobody"]
    for dry_run in (False, True):
        mutate(
            world.admin,
            world,
            "bulkPatchPlatformMetadata",
            platformKey=world.platform_key,
            patches=[{"username": name, "metadata": {"a": 1}} for name in names],
            dryRun=dry_run,
        )
        assert lines.summaries() == [("write.refused", world.platform_key, "UNKNOWN_USER")] * 2


def test_refused_writes_by_rest(world: World, lines: SecurityLines) -> None:
    member, key, body = world.member, world.platform_key, {"metadata": {"a": 1}}
    for method in ("PATCH", "PUT", "DELETE"):
        world.service.client.request(method, REST, params={"platform_key": key})
        member.rest(method, key, body, username=world.colleague.username)
        member.rest(method, "none", body)
        found = [(each["actor"], each["target"], each["reason"]) for each in lines.new()]
        assert found == [
            (None, None, "UNAUTHENTICATED"),
            (member.id, key, "FORBIDDEN"),
            (member.id, None, "NOT_FOUND"),
        ]
    member.rest("GET", key, username=world.colleague.username)
    member.rest("GET", "none")
    assert lines.new() == []


def test_a_key_that_is_not_editable(world: World, lines: SecurityLines) -> None:
    key, entry = world.platform_key, {"metadataKey": "fixed", "isEditable": False, "isPublic": False}
    document = {"platformKey": key, "username": world.member.username}
    succeed(
        world.admin,
        world,
        "setUserMetadata",
        **document,
        entries=[entry | {"metadataValue": "1", "valueType": "number"}],
    )
    assert lines.new() == []
    mutate(world.member, world, "patchPlatformMetadata", platformKey=key, metadata={"fixed": 2})
    world.member.rest("PATCH", key, {"metadata": {"fixed": 2}})
    found = [(each["source"], each["operation"], each["target"], each["reason"]) for each in lines.new()]
    target = f"{world.member.id}:{key}"
    assert found == [
        ("graphql", "patchPlatformMetadata", target, "KEY_NOT_EDITABLE"),
        ("rest", "PATCH", target, "KEY_NOT_EDITABLE"),
    ]


def test_invalid_writes_and_reads_are_not_refused_writes(world: World, lines: SecurityLines) -> None:
    key = world.platform_key
    for input in ({"metadata": {"": 1}}, {"metadata": {"a": 1}, "expectedRevision": 9}, {"unknown": 1}):
        mutate(world.member, world, "patchPlatformMetadata", platformKey=key, **input)
    world.member.graphql(f'{{ platformMetadata(platformKey: "{world.other_platform_key}") {{ id }} }}')
    world.member.graphql(f'{{ user(by: {{username: "{world.admin.username}"}}) {{ email }} }}')
    world.member.graphql("mutation { issueToken(input: {}) { accessToken { id } } nowhere }")
    world.member.rest("PATCH", key, {"metadata": {"": 1}})
    world.member.rest("PATCH", None, {"metadata": {}})
    assert lines.new() == []


def test_a_refused_read_in_the_result_of_a_mutation_is_no_refused_write(
    world: World, lines: SecurityLines
) -> None:
    succeed(world.admin, world, "updateUser", username=world.member.username, language="de")
    body = world.member.graphql(
        f"""mutation {{ updateUser(input: {{language: "en"}}) {{
          user {{ platformMetadata(platformKey: "{world.other_platform_key}") {{ revision }} }} }} }}"""
    )
    assert body["errors"][0]["path"][0] == "updateUser"
    assert lines.new() == []


def test_many_refused_writes_get_few_lines(world: World, lines: SecurityLines) -> None:
    world.service.stopped_at = world.service.clock()
    try:
        for caller in (world.member, None):
            for _ in range(170):
                mutate(caller, world, "setMetadataMode", platformKey=world.platform_key, mode="OPEN")
            assert [line["number"] for line in lines.new()] == [None] * 60 + [61, 70, 160]
    finally:
        world.service.stopped_at = None
