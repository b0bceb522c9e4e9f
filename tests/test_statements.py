"""Loaders, proven by counting SQL statements: a constant number, whatever the size of the page."""

import pytest

from tests.support.world import World

USERS = """query ($key: String!, $first: Int!) { platform(key: $key) { users(first: $first) { nodes {
  username badges { name } platformMetadata(platformKey: $key) { metadata user { displayName } } } } } }"""


@pytest.mark.parametrize("size", [2, 7])
def test_a_page_of_users_is_a_constant_number_of_statements(world: World, size: int) -> None:
    for _ in range(size):
        world.new_user()
    with world.service.statements() as seen:
        data = world.admin.ask(USERS, key=world.platform_key, first=size)
    assert len(data["platform"]["users"]["nodes"]) == size
    tables = [statement.split("FROM")[1].split()[0] for statement in seen]
    assert tables[:3] == ["access_tokens", "platforms", "users"]
    assert sorted(tables[3:]) == ["documents", "earned_badges", "platforms", "users"]


def test_many_aliases_are_gathered_into_one_statement(world: World) -> None:
    aliases = " ".join(
        f'a{index}: user(by: {{userId: "{caller.id}"}}) {{ username }}'
        for index, caller in enumerate([world.member, world.colleague, world.admin])
    )
    with world.service.statements() as seen:
        world.member.ask(f"{{ {aliases} }}")
    assert len(seen) == 2  # the token, the users


def test_a_write_is_one_transaction_of_few_statements(world: World) -> None:
    patch = """mutation ($key: String!) { patchPlatformMetadata(input: {platformKey: $key,
      metadata: {a: 1}}) { platformMetadata { metadata revision } } }"""
    with world.service.statements() as seen:
        world.member.ask(patch, key=world.platform_key)
    written = [statement for statement in seen if "documents" in statement]
    assert len(written) == 2  # lock, insert
    assert len([each for each in seen if not each.startswith("BEGIN")]) == 4  # and token, platform
