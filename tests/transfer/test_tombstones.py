"""Ids and keys of what was deleted are not given out again after an export and an import, either."""

import json
from pathlib import Path

from tests.transfer.test_round_trip import Shell, user_line

TENANT = {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": 1}
PLATFORM = {"type": "platform", "id": "p-1", "key": "shop", "tenantId": "acme", "name": "S", "createdAt": 1}


def test_what_was_deleted_stays_deleted_in_a_new_database(fresh_database_url: str, tmp_path: Path) -> None:
    old, new = Shell(fresh_database_url), Shell(f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite3'}")
    gone = {"type": "tenant", "id": "gone", "name": "Gone", "createdAt": 1}
    for shell in (old, new):
        shell.output("migrate")
    old.load(TENANT, gone, PLATFORM, user_line("joe"), user_line("ann"))
    old.output("erase", "joe", "--yes")
    old.output("platform", "delete", "shop", "--yes")
    old.output("tenant", "delete", "gone", "--yes")
    exported = old.exported()
    lines = [json.loads(line) for line in exported.splitlines()]
    assert [line["type"] for line in lines] == ["tenant", "user", *["tombstone"] * 4]
    assert not any(id in exported for id in ("joe", "p-1", "shop", "gone"))

    new.output("import", "-", input=exported.encode())
    assert new.exported() == exported
    new.output("import", "-", input=exported.encode())  # what is stored is skipped
    assert new.exported() == exported
    assert "belonged to" in new.error("platform", "create", "shop", "--tenant", "acme")
    assert "belonged to" in new.error("tenant", "create", "Gone", "--id", "gone")
    for line in (user_line("joe"), PLATFORM, gone):
        refused = new.error("import", "-", input=json.dumps(line).encode())
        assert "is never given out again" in refused


def test_a_malformed_tombstone_is_refused(fresh_database_url: str) -> None:
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    for digest in ("ab", "A" * 64, 7, None):
        line = json.dumps({"type": "tombstone", "digest": digest})
        assert "`digest` must be 64 lower-case" in shell.error("import", "-", input=line.encode())
    assert shell.exported() == ""
