"""The commands that tell how much is stored, and how long a platform keeps it."""

import json
from typing import Any

from tests.support.entries import set_entries
from tests.support.retention import set_retention
from tests.support.service import serving
from tests.support.world import World
from tests.transfer.test_round_trip import Shell

USER_WIDE = "mutation { patchPlatformMetadata(input: {metadata: {wide: 1}}) { userErrors { code } } }"


def sizes(shell: Shell) -> tuple[dict[str | None, Any], int]:
    document = json.loads(shell.output("sizes", "--json"))
    return {each.pop("platform"): each for each in document["platforms"]}, document["databaseBytes"]


def test_sizes_are_told_by_platform(fresh_database_url: str) -> None:
    shell = Shell(fresh_database_url)
    with serving(fresh_database_url) as service:
        world = World(service)
        empty = {"rows": 0, "bytes": 0}
        before, total = sizes(shell)
        assert before == {
            key: dict.fromkeys(("documents", "history", "answers", "searchIndex"), empty)
            for key in (None, world.platform_key, world.other_platform_key)
        }
        assert total > 0
        text = "".join(str(number) for number in range(2000))
        entry = {"metadataKey": "a", "metadataValue": text, "isIndexed": True}
        for caller in (world.member, world.colleague):
            set_entries(world.admin, world, entry, username=caller.username, idempotencyKey="k")
        world.member.ask(USER_WIDE)
        after, _ = sizes(shell)
        assert after[world.other_platform_key] == before[world.other_platform_key]
        assert after[None]["documents"]["rows"] == after[None]["history"]["rows"] == 1
        found = after[world.platform_key]
        assert {kind: size["rows"] for kind, size in found.items()} == {
            "documents": 2, "history": 2, "answers": 2, "searchIndex": 2,
        }  # fmt: skip
        assert found["documents"]["bytes"] > len(text) / 2  # PostgreSQL compresses it
        assert found["history"]["bytes"] > len(text) / 2
        assert 0 < found["answers"]["bytes"] < 1000
        lines = shell.output("sizes").splitlines()
        assert [line.count("\t") for line in lines] == [8, 8, 8]


def test_the_retention_of_a_platform_is_set_exported_and_imported(
    fresh_database_url: str, tmp_path: Any
) -> None:
    shell = Shell(fresh_database_url)
    with serving(fresh_database_url) as service:
        world = World(service)
        assert shell.output("platform", "retention", world.platform_key, "--history-max-age", "30") == (
            f"{world.platform_key} keeps 30 days of history, 10000 changes of a document, "
            "and answers to writes for 24 hours.\n"
        )
        query = "query ($key: String!) { platform(key: $key) { retention { historyMaxAge } } }"
        kept = world.member.ask(query, key=world.platform_key)["platform"]["retention"]
        assert kept == {"historyMaxAge": 30}
        refused = shell.error("platform", "retention", world.platform_key, "--history-max-age", "366")
        assert refused.startswith("366 is not between 1 and 365.")
        set_retention(world, historyMaxChanges=5, idempotencyMaxAge=2)
    exported = shell.exported()
    (line,) = (each for each in map(json.loads, exported.splitlines()) if each.get("historyMaxChanges"))
    assert (line["key"], line["idempotencyMaxAge"]) == (world.platform_key, 2)
    assert "historyMaxAge" not in line
    copy = Shell(f"sqlite+aiosqlite:///{tmp_path / 'copy.sqlite3'}")
    copy.output("migrate")
    copy.output("import", "-", input=exported.encode())
    assert copy.exported() == exported
