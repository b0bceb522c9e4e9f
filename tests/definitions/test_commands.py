"""The commands for definitions, and platforms that are too large to check within a request."""

import json
import re
from typing import Any

import pytest

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from tests.support.cli_processes import command, run_command
from tests.support.definitions import define, definitions, patch
from tests.support.service import serving
from tests.support.world import World


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('shop') / 'data.sqlite3'}"
    run_command(url, "migrate")
    run_command(url, "tenant", "create", "Acme", "--id", "acme")
    run_command(url, "platform", "create", "shop", "--tenant", "acme")
    return url


def refusal(url: str, *arguments: str) -> str:
    done = command(url, *arguments)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert re.fullmatch(r"gql-service: .+\n", done.stderr), done.stderr
    return done.stderr


def listed(url: str) -> list[Any]:
    """The definitions of the platform, without the fields that are not set and the times."""
    rows = json.loads(command(url, "definition", "list", "shop", "--json").stdout)
    times = ("createdAt", "updatedAt")
    assert all(row[name].endswith("Z") for row in rows for name in times)
    unset = {"enabled": True, "variants": [], "salt": "", "userWideFallback": False, "clientVisible": True}
    return [
        {
            name: value
            for name, value in row.items()
            if value is not None and name not in times and unset.get(name) != value
        }
        for row in rows
    ]


def test_definitions_are_set_listed_and_removed(shop: str) -> None:
    assert run_command(
        shop, "definition", "set", "shop", "age", "--type", "number", "--minimum", "0", "--maximum", "1.5e2",
        "--schema", '{"type": "integer"}', "--indexed", "--no-editable", "--category", "person",
    ) == "The key age is defined on shop."  # fmt: skip
    run_command(shop, "definition", "set", "shop", "day", "--type", "date", "--minimum", "2024-01-01")
    run_command(shop, "definition", "set", "shop", "plan", "--type", "string", "--choices", '["free", "pro"]')
    assert listed(shop) == [
        {
            "key": "age",
            "valueType": "number",
            "minimum": 0,
            "maximum": 150.0,
            "schema": {"type": "integer"},
            "isIndexed": True,
            "isEditable": False,
            "category": "person",
        },
        {"key": "day", "valueType": "date", "minimum": "2024-01-01"},
        {"key": "plan", "valueType": "string", "choices": ["free", "pro"]},
    ]
    rows = [line.split("\t") for line in command(shop, "definition", "list", "shop").stdout.splitlines()]
    assert rows[1:] == [
        ["day", "date", '{"minimum": "2024-01-01"}', "{}", "{}"],
        ["plan", "string", '{"choices": ["free", "pro"]}', "{}", "{}"],
    ]
    assert run_command(shop, "definition", "remove", "shop", "day") == "The definition of day is removed."
    assert run_command(shop, "definition", "remove", "shop", "day") == "The key day was not defined."
    assert [each["key"] for each in listed(shop)] == ["age", "plan"]
    assert run_command(shop, "platform", "mode", "shop", "strict") == "The platform shop is strict."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("definition", "list", "nowhere"), "There is no platform nowhere."),
        (("definition", "set", "shop", "a", "--type", "string", "--pattern", "(?=a)"), "look-around"),
        (("definition", "set", "shop", "a", "--type", "json", "--schema", "{"), "--schema: "),
        (("definition", "set", "shop", "a", "--type", "number", "--minimum", "x"), "--minimum: "),
        (("definition", "set", "shop", "a", "--type", "string", "--min-length", "-1"), "0 or more"),
        (("definition", "set", "shop", "", "--type", "string"), "must not be empty"),
    ],
)
def test_a_refused_command_prints_the_reason(shop: str, arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(shop, *arguments)
    assert "a" not in [each["key"] for each in listed(shop)]


DEFINE = """mutation ($input: DefineMetadataInput!) { defineMetadata(input: $input) { brokenDocuments } }"""


def test_the_command_checks_a_platform_that_is_too_large_for_a_request(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        define(world, "before", "string")
        user_ids = [world.new_user().id for _ in range(20)]
        platform = service.run(lambda: service.services.loaders.platforms.load(world.platform_key))
        assert platform is not None
        text = json.dumps({"key": [1] * 500_000}, separators=(",", ":"))
        rows = [MetadataDocument(id, platform.id, text, 1, 1, 1, None, None, "{}", None) for id in user_ids]
        service.write(lambda tx: documents.insert_documents(tx, rows))
        arguments = {"platformKey": world.platform_key, "key": "key", "valueType": "number"}
        with serving(fresh_database_url, database_timeout=0.2) as impatient:
            headers = {"Authorization": f"Bearer {world.admin.token}"}
            body = {"query": DEFINE, "variables": {"input": arguments}}
            (error,) = impatient.client.post("/graphql", json=body, headers=headers).json()["errors"]
        # On a busy machine, the request may time out before the check begins.
        assert error["extensions"]["code"] in ("LIMIT_EXCEEDED", "UNAVAILABLE")
        assert [each["key"] for each in definitions(world)] == ["before"]
        command_line = ("definition", "set", world.platform_key, "key", "--type", "number")
        assert "20 documents break this definition" in refusal(fresh_database_url, *command_line)
        tried = run_command(fresh_database_url, *command_line, "--force", "--dry-run")
        assert tried == f"The key key can be defined on {world.platform_key}; 20 documents break the rules."
        assert [each["key"] for each in definitions(world)] == ["before"]
        done = run_command(fresh_database_url, *command_line, "--force")
        assert done == f"The key key is defined on {world.platform_key}; 20 documents break the rules."
        assert [each["key"] for each in definitions(world)] == ["before", "key"]
        (error,) = patch(world.member, world, {"key": "x"})["userErrors"]
        assert error["code"] == "RULE_BROKEN"
