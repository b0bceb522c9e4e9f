"""Commands and their errors, tokens, and the server process."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.conftest import require
from tests.support.cli_processes import PROGRAM, Server, command, run_command, serving_process
from tests.support.service import serving

SCHEMA = Path(__file__).parent.parent.parent / "schema.graphql"
TOKEN = re.compile(r"upm_\w+")
ME = "{ me { username } }"


def refused(database_url: str, /, *arguments: str, **settings: str) -> str:
    """The error message of a command, which must fail without other output."""
    done = command(database_url, *arguments, **settings)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr, done.stderr
    assert re.fullmatch(r"gql-service: .+\n", done.stderr), done.stderr
    return done.stderr.removeprefix("gql-service: ").strip()


def file_of(database_url: str) -> str:
    return database_url.removeprefix("sqlite+aiosqlite:///")


def contents(database_url: str) -> list[str]:
    """Everything in an SQLite database."""
    with closing(sqlite3.connect(file_of(database_url))) as connection:
        return list(connection.iterdump())


@pytest.fixture
def empty(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}"


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the tenant `acme`, its platform `shop` and its user `joe`, for tests that only read."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('cli') / 'data.sqlite3'}"
    run_command(url, "migrate")
    run_command(url, "tenant", "create", "Acme", "--id", "acme")
    run_command(url, "platform", "create", "shop", "--tenant", "acme")
    run_command(url, "user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com")
    return url


@pytest.fixture
def migrated(populated: str, empty: str) -> str:
    """A copy of that database, to change."""
    shutil.copy(file_of(populated), file_of(empty))
    return empty


def test_from_an_empty_database_to_a_token_that_works(fresh_database_url: str) -> None:
    url = fresh_database_url
    assert run_command(url, "migrate") == "The database is up to date."
    tenant = run_command(url, "tenant", "create", "Acme")
    run_command(url, "platform", "create", "shop", "--tenant", tenant, "--name", "The shop")
    joe = run_command(
        url, "user", "create", "joe", "--tenant", tenant, "--email", "joe@example.com",
        "--permission", f"{tenant}::read", "--permission", f"{tenant}::admin", "--platform-owner",
    )  # fmt: skip
    assert run_command(url, "migrate") == "The database is up to date.", "again, with data in it"
    issued = command(url, "token", "issue", "joe")
    assert TOKEN.fullmatch(issued.stdout.strip()), "the token alone is on standard output"
    assert "not shown again" in issued.stderr
    query = '{ me { userId tenantId permissions isPlatformOwner } platform(key: "shop") { name } }'
    with serving(url) as service:
        headers = {"Authorization": f"Bearer {issued.stdout.strip()}"}
        response = service.client.post("/graphql", json={"query": query}, headers=headers).json()
    assert response["data"]["platform"] == {"name": "The shop"}
    assert response["data"]["me"] == {
        "userId": joe,
        "tenantId": tenant,
        "permissions": [f"{tenant}::read", f"{tenant}::admin"],
        "isPlatformOwner": True,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("tenant create Other --id acme", "A tenant with the id acme exists"),
        ("tenant create Other --id a/b", "An id is 1 to 64 letters, digits, hyphens and underscores."),
        ("platform create shop --tenant acme", "The platform key shop is taken"),
        ("platform create Shop --tenant acme", "A platform key is 1 to 100 lower-case letters"),
        ("platform create new --tenant none", "There is no tenant none"),
        ("user create joe --tenant acme --email j@x.example", "The username joe is taken"),
        ("user create j/m --tenant acme --email j@x.example", "A username is 1 to 150 letters"),
        ("user create jim --tenant none --email j@x.example", "There is no tenant none"),
        ("user create jim --tenant acme --email jim", "'jim' is not an email address"),
        ("user create jim --tenant acme --email j@x.example --permission x", "'x' is not a permission"),
        ("token issue jim", "There is no user jim"),
        ("token issue joe --expires-in 1y", "'1y' is not a duration"),
        ("token revoke unknown", "There is no token unknown"),
        ("token list jim", "There is no user jim"),
    ],
)
def test_a_refused_command_prints_the_reason_and_writes_nothing(
    populated: str, arguments: str, message: str
) -> None:
    before = contents(populated)
    assert message in refused(populated, *arguments.split())
    assert contents(populated) == before


def works(client: httpx.Client, token: str) -> bool:
    response = client.post("/graphql", json={"query": ME}, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code in (200, 401)
    return response.status_code == 200


def id_of(token: str) -> str:
    return token.split("_")[1]


def test_a_token_ends_when_it_is_revoked(populated: str) -> None:
    token, other = (run_command(populated, "token", "issue", "joe") for _ in range(2))
    with serving(populated) as service:
        assert works(service.client, token)
        assert (
            run_command(populated, "token", "revoke", id_of(token)) == f"The token {id_of(token)} is revoked."
        )
        assert not works(service.client, token)
        assert works(service.client, other)
        run_command(populated, "token", "revoke", id_of(token))


def test_a_token_ends_when_it_expires(populated: str) -> None:
    token = run_command(populated, "token", "issue", "joe", "--expires-in", "90d")
    with serving(populated) as service:
        service.clock_offset = 90 * 86_400_000 - 60_000
        assert works(service.client, token)
        service.clock_offset = 90 * 86_400_000
        assert not works(service.client, token)


def test_the_list_of_tokens_shows_ids_and_no_secrets(migrated: str) -> None:
    laptop = run_command(migrated, "token", "issue", "joe", "--label", "laptop", "--expires-in", "90d")
    phone = run_command(migrated, "token", "issue", "joe", "--label", "phone")
    run_command(migrated, "token", "revoke", id_of(phone))
    listed = command(migrated, "token", "list", "joe").stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    first, second = (row for row in rows if row[0] in (id_of(laptop), id_of(phone)))
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    for row, token, label, expires, revoked in (
        (first, laptop, "laptop", instant, ""),
        (second, phone, "phone", "", instant),
    ):
        assert row[:2] == [id_of(token), label]
        assert all(map(re.fullmatch, (instant, expires, revoked), row[2:])), row
        assert token.split("_")[2] not in listed


@pytest.mark.parametrize("arguments", [("serve",), ("tenant", "create", "Acme")])
def test_a_database_that_was_not_migrated_is_refused(empty: str, arguments: tuple[str, ...]) -> None:
    message = refused(empty, *arguments)
    assert message == "The database is not up to date. Run: gql-service migrate"


@pytest.mark.parametrize("arguments", [("serve",), ("migrate",)])
def test_a_database_of_a_newer_version_is_refused(migrated: str, arguments: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(file_of(migrated))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    before = contents(migrated)
    message = refused(migrated, *arguments)
    assert message == "The database was migrated by a newer gql-service. Install that version."
    assert contents(migrated) == before


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_demo_listens_on_loopback_only(migrated: str, host: str) -> None:
    before = contents(migrated)
    assert "loopback only" in refused(migrated, "serve", "--demo", "--host", host)
    assert contents(migrated) == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("database_url", "mysql://localhost/x"),
        ("database_url", "sqlite+aiosqlite:///:memory:"),
        ("database_pool_size", "0"),
        ("cors_origins", "https://example.com"),
    ],
)
def test_the_error_of_an_invalid_setting_has_its_name(empty: str, setting: str, value: str) -> None:
    assert refused(empty, "migrate", **{setting: value}).startswith(f"GQL_SERVICE_{setting.upper()}: ")


def test_a_database_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    refused(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'data.sqlite3'}", "migrate")


def test_the_schema_is_exported_without_a_database() -> None:
    done = command("sqlite+aiosqlite:////nowhere/at/all.sqlite3", "export-schema")
    assert done.stdout == SCHEMA.read_text()


def demo_tokens(server: Server) -> dict[str, str]:
    return dict(re.findall(r"^(Member|Admin)'s +token +(upm_\w+)$", server.output, re.MULTILINE))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_demo_prints_its_address_tokens_and_an_example(migrated: str, tmp_path: Path, host: str) -> None:
    require("curl, bash", shutil.which("curl") is not None and shutil.which("bash") is not None)
    with serving_process(tmp_path, migrated, "--demo", host=host) as server:
        assert re.search(rf"^GraphiQL +{re.escape(server.url)}/graphql$", server.output, re.MULTILINE)
        tokens = demo_tokens(server)
        assert server.ask(ME, tokens["Member"]).json()["data"]["me"] == {"username": "john_doe"}
        assert server.ask(ME, tokens["Admin"]).json()["data"]["me"] == {"username": "jane_admin"}
        (line,) = re.findall(r"^curl .*$", server.output, re.MULTILINE)
        pasted = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    response = httpx.Response(200, content=pasted.stdout).json()
    assert response["data"]["me"]["username"] == "john_doe"
    assert response["data"]["me"]["platformMetadata"]["metadata"]["theme"] == "dark"


def test_the_demo_starts_again_and_ends_its_old_tokens(fresh_database_url: str, tmp_path: Path) -> None:
    run_command(fresh_database_url, "migrate")
    with serving_process(tmp_path, fresh_database_url, "--demo") as server:
        old = demo_tokens(server)
        written = server.ask(
            """mutation { patchPlatformMetadata(input: {platformKey: "acme-corp", metadata: {theme: "light"}})
              { userErrors { message } } }""",
            old["Member"],
        )
        assert written.json()["data"]["patchPlatformMetadata"]["userErrors"] == []
    with serving_process(tmp_path, fresh_database_url, "--demo") as server:
        new = demo_tokens(server)
        assert [server.ask(ME, token).status_code for token in old.values()] == [401, 401]
        kept = server.ask('{ me { platformMetadata(platformKey: "acme-corp") { metadata } } }', new["Member"])
        assert kept.json()["data"]["me"]["platformMetadata"]["metadata"]["theme"] == "light"


def test_the_demo_gives_no_token_for_a_user_it_did_not_create(migrated: str) -> None:
    run_command(migrated, "user", "create", "john_doe", "--tenant", "acme", "--email", "john@example.com")
    before = contents(migrated)
    assert "john_doe" in refused(migrated, "serve", "--demo", "--port", "1")
    assert contents(migrated) == before


def test_the_demo_needs_a_port_it_can_print(migrated: str) -> None:
    before = contents(migrated)
    assert "port" in refused(migrated, "serve", "--demo", "--port", "0")
    assert contents(migrated) == before


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_server_answers_and_stops_cleanly(migrated: str, tmp_path: Path, workers: str) -> None:
    with serving_process(tmp_path, migrated, "--demo", "--workers", workers, program=PROGRAM) as server:
        member = demo_tokens(server)["Member"]
        assert {server.ask(ME, member).status_code for _ in range(20)} == {200}
        assert server.stop() == 0
        assert "timeout graceful shutdown exceeded" not in server.output, "it waited for nothing"
        assert "Traceback" not in server.output
        with pytest.raises(httpx.ConnectError):
            server.ask(ME, member)
