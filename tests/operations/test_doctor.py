"""`doctor` says for each thing that a server needs that it is ok, or what to do."""

import base64
import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_processes import command, free_port, run_command
from tests.support.openid_provider import AUDIENCE, OpenIdProvider, providing
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.transfer.test_round_trip import Shell

KEY = base64.b64encode(b"k" * 32).decode()
CHECKS = ["settings", "database", "migration", "encryption keys", "clock", "files", "disk"]


def findings(url: str, exit_code: int, **settings: str) -> dict[str, str]:
    """The message of each check, with `TODO ` before those that are not ok."""
    done = command(url, "doctor", "--json", **settings)
    assert done.returncode == exit_code, (done.stdout, done.stderr)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(row.keys() == {"check", "ok", "message"} for row in rows)
    return {row["check"]: ("" if row["ok"] else "TODO ") + row["message"] for row in rows}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data.sqlite3"


@pytest.fixture
def url(file: Path) -> str:
    url = f"sqlite+aiosqlite:///{file}"
    run_command(url, "migrate")
    return url


def test_a_migrated_database_is_ok(fresh_database_url: str) -> None:
    run_command(fresh_database_url, "migrate")
    found = findings(fresh_database_url, 0)
    assert list(found) == CHECKS
    kind = "SQLite" if fresh_database_url.startswith("sqlite") else "PostgreSQL"
    assert found["database"].startswith(f"{kind} ")
    lines = command(fresh_database_url, "doctor").stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [[check, "ok"] for check in CHECKS]


def test_invalid_settings_are_all_named() -> None:
    done = command("mysql://a/b", "doctor", "--json", max_key_length="0")
    assert done.returncode == 1
    rows = json.loads(done.stdout)
    assert {row["check"] for row in rows} == {"settings"}
    assert not any(row["ok"] for row in rows)
    text = done.stdout
    assert "GQL_SERVICE_DATABASE_URL: " in text
    assert "GQL_SERVICE_MAX_KEY_LENGTH: " in text


def test_a_missing_file_is_reported_and_not_created(file: Path) -> None:
    found = findings(f"sqlite+aiosqlite:///{file}", 1)
    assert found["database"] == f"TODO There is no file {file}. Run: gql-service migrate"
    assert list(file.parent.iterdir()) == []


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    found = findings(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'data'}", 1)
    assert found["disk"] == f"TODO There is no folder {tmp_path / 'no'}. Create it."


def test_a_server_that_refuses_connections_is_reported() -> None:
    url = f"postgresql://joe:s3cret@127.0.0.1:{free_port()}/app"
    done = command(url, "doctor", "--json")
    assert done.returncode == 1
    (row,) = [row for row in json.loads(done.stdout) if row["check"] == "database"]
    assert not row["ok"]
    assert "s3cret" not in done.stdout + done.stderr


def test_a_damaged_file_is_reported(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)
    file.chmod(0o600)
    assert findings(f"sqlite+aiosqlite:///{file}", 1)["database"].startswith("TODO ")


def test_an_old_or_newer_migration_is_reported(fresh_database_url: str) -> None:
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    set_revision(fresh_database_url, "0003")
    assert findings(fresh_database_url, 1)["migration"].endswith("Run: gql-service migrate")
    set_revision(fresh_database_url, "9999")
    assert findings(fresh_database_url, 1)["migration"].endswith("Install that version.")


def set_revision(url: str, revision: str) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{revision}'"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))) as connection, connection:
            connection.execute(statement)
    else:
        plain = url.replace("postgresql+asyncpg://", "postgresql://")
        subprocess.run(["psql", "-qc", statement, plain], check=True)


def test_encrypted_values_need_their_keys(fresh_database_url: str) -> None:
    shell = Shell(fresh_database_url)
    keys = {"encryption_keys": json.dumps({"k1": KEY})}
    shell.output("migrate")
    shell.output("tenant", "create", "Acme", "--id", "acme")
    shell.output("platform", "create", "shop", "--tenant", "acme")
    shell.output("user", "create", "joe", "--tenant", "acme", "--email", "a@b.example", "--permission",
                 "acme::admin")  # fmt: skip
    token = shell.output("token", "issue", "joe").split()[-1]
    with serving(fresh_database_url, encryption_keys={"k1": KEY}) as service:
        mutation = """mutation { setUserMetadata(input: {platformKey: "shop", entries: [
          {metadataKey: "a", metadataValue: "secret", isEncrypted: true}]}) { userErrors { message } } }"""
        headers = {"Authorization": f"Bearer {token}"}
        answer = service.client.post("/graphql", json={"query": mutation}, headers=headers).json()
        assert answer["data"]["setUserMetadata"]["userErrors"] == []
    found = findings(fresh_database_url, 0, **keys)["encryption keys"]
    assert found == "1 encrypted value can be decrypted; k1 is the active key"
    found = findings(fresh_database_url, 1)["encryption keys"]
    assert found.startswith("TODO 1 of 1 encrypted values cannot be decrypted: 1 because ")
    assert "'k1'" in found or '"k1"' in found
    other = {"encryption_keys": json.dumps({"k1": base64.b64encode(bytes(32)).decode()})}
    assert "was altered" in findings(fresh_database_url, 1, **other)["encryption keys"]


@pytest.mark.parametrize("suffix", ["", ".lock"])
def test_files_that_others_may_open_are_reported(file: Path, url: str, suffix: str) -> None:
    run_command(url, "tenant", "create", "Acme")
    exposed = Path(f"{file}{suffix}")
    exposed.chmod(0o644)
    found = findings(url, 1)["files"]
    assert found == f"TODO Others may open {exposed} (0644). Run: chmod 600 {exposed}"
    exposed.chmod(0o600)
    assert findings(url, 0)["files"] == "2 files are readable by the owner only"


def test_a_security_log_that_others_may_read_is_reported(url: str, tmp_path: Path) -> None:
    log = tmp_path / "security.log"
    log.touch(0o600)
    assert findings(url, 0, security_log=str(log))["files"].startswith("2 files ")
    log.chmod(0o604)
    assert f"chmod 600 {log}" in findings(url, 1, security_log=str(log))["files"]


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    """A file system of 8 MiB, which only root can mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not permitted")
    try:
        url = f"sqlite+aiosqlite:///{folder / 'data.sqlite3'}"
        run_command(url, "migrate")
        assert findings(url, 1)["disk"].startswith(
            f"TODO Free at least 256 MiB, the room of a backup, in {folder}"
        )
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("seconds", "where"), [(5, "ahead of"), (-5, "behind")])
def test_a_clock_that_differs_is_reported(postgres_server: Postgres, seconds: int, where: str) -> None:
    url = postgres_server.create_database()
    run_command(url, "migrate")
    plain = url.replace("postgresql+asyncpg://", "postgresql://")
    # The search path lets a function of ours stand for the clock of the server.
    clock = f"""CREATE SCHEMA clocks;
      CREATE FUNCTION clocks.clock_timestamp() RETURNS timestamptz LANGUAGE sql
      AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} s' $$;
      ALTER ROLE tester IN DATABASE {url.rpartition("/")[2]} SET search_path = clocks, pg_catalog, public"""
    subprocess.run(["psql", "-qc", clock, plain], check=True)
    found = findings(url, 1)["clock"]
    assert f" ms {where} the clock of this machine. Synchronise both with NTP." in found


def test_the_issuer_must_be_reachable_and_its_tenant_must_exist(url: str) -> None:
    provider = OpenIdProvider()
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    reason = findings(url, 1, **settings)["issuer"]
    assert reason.startswith(f"TODO The issuer {provider.issuer} cannot be used: ")
    with providing(port=provider.port):
        assert findings(url, 0, **settings)["issuer"] == f"1 key of {provider.issuer} can verify tokens"
        settings |= {"oidc_create_claim": "sub", "oidc_tenant": "nowhere"}
        assert findings(url, 1, **settings)["issuer"].startswith("TODO There is no tenant nowhere.")
