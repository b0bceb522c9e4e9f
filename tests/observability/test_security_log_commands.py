"""The security log of the command line: a line for each change, in a file."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from gql_service.auth import tokens
from gql_service.cli import app
from tests.support.cli_processes import (
    PROGRAM,
    command,
    command_with_full_errors,
    run_command,
    serving_process,
)
from tests.support.security_lines import FIELDS, Line, SecurityLines

NOT_LOGGED = {
    "serve": "it writes nothing; `--demo` is logged",
    "migrate": "it changes tables",
    "export-schema": "it reads no data",
    "sizes": "reads numbers only",
    "sweep": "servers do the same by themselves",
    "definition adoption": "it reads numbers only",
    "definition history": "it reads definitions",
    "definition preview": "it reads numbers only",
    "user show": "it reads one user",
    "user list": "it reads a tenant",
    "user export": "it reads one user",
    "tenant list": "it shows names only",
    "platform list": "the same",
    "user badge": "a badge gives no rights",
    "user badges": "it reads one user",
    "user changes": "the same",
    "webhook list": "it shows no secrets",
    "webhook deliveries": "it shows no data of users",
    "webhook test": "it sends an event without data",
    "webhook redeliver": "it sends again what was sent",
    "user notifications": "the same",
    "token list": "it shows no secrets",
    "identity list": "the same",
    "definition list": "it shows no data of users",
    "doctor": "it shows no data",
    "config": "it shows no secrets",
    "healthcheck": "it asks a server",
    "backup": "for PostgreSQL, it only prints a command; see below for SQLite",
    "restore": "the same",
}
KEY = json.dumps({"k": "A" * 43 + "="})
CANARY = "canary"


def commands(group: object, name: str = "") -> set[str]:
    """The names of all commands, such as `token issue`."""
    if not isinstance(group, TyperGroup):
        return {name}
    return {
        each for inner, sub in group.commands.items() for each in commands(sub, f"{name} {inner}".strip())
    }


class CommandLine:
    """Commands on a database, which must succeed, and the security log of each."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.lines = SecurityLines(folder / "security.jsonl")
        self.logged: set[str] = set()
        """The commands that have written at least one line."""

    def __call__(self, *arguments: str, code: int = 0) -> list[tuple[str, str | None, str | None]]:
        """Run a command; returns event, target and reason of its lines."""
        settings = {"security_log": str(self.lines.path), "encryption_keys": KEY}
        done = command(self.url, *arguments, **settings)
        assert done.returncode == code, done.stderr
        assert "security" not in done.stdout + done.stderr
        self.output = done.stdout
        new = self.lines.new() if self.lines.path.exists() else []
        for line in new:
            assert (line["source"], line["actor"], line["operation"]) == ("cli", "command-line", None)
            assert (line["address"], line["request_id"]) == (None, None)
        if new:
            self.logged |= {" ".join(arguments[:count]) for count in (1, 2)} & commands(get_command(app))
        return [(line["event"], line["target"], line["reason"]) for line in new]


def test_each_command_that_changes_something(fresh_database_url: str, tmp_path: Path) -> None:
    run, file = CommandLine(fresh_database_url, tmp_path), str(tmp_path / "export.jsonl")
    assert run("migrate") == []
    assert run("tenant", "create", CANARY, "--id", "acme") == [("tenant.created", "acme", None)]
    platform = ("platform", "create", "shop", "--tenant", "acme", "--name", CANARY)
    assert run(*platform) == [("platform.created", "shop", None)]
    user = ("user", "create", "joe", "--tenant", "acme", "--email", f"{CANARY}@example.com", "--id")
    assert run(*user, "u-1", "--permission", "acme::admin") == [
        ("user.created", "u-1", None),
        ("user.permissions_changed", "u-1", "GRANTED"),
    ]
    assert run("user", "update", "joe", "--platform-owner") == [("user.owner_changed", "u-1", "GRANTED")]
    assert run("user", "update", "joe", "--language", "de") == []
    assert run("user", "create", "joe", "--tenant", "acme", "--email", "a@b.example", code=1) == []
    ((event, target, _),) = run("token", "issue", "joe", "--label", CANARY)
    token = str(target).removeprefix("u-1:")
    assert (event, token) == ("token.issued", run.output.split("_")[1])
    assert run("token", "issue", "joe", "--replaces", token)[0] == ("token.replaced", f"u-1:{token}", None)
    assert run("token", "revoke", token) == [("token.revoked", f"u-1:{token}", None)]
    assert run("token", "revoke", token) == []
    definition = ("definition", "set", "shop", "age", "--type", "string", "--description", CANARY)
    assert run(*definition) == [("definition.changed", "shop:age", None)]
    assert run("platform", "mode", "shop", "strict") == [("platform.mode_changed", "shop", "STRICT")]
    retention = ("platform", "retention", "shop", "--history-max-age", "9")
    assert run(*retention) == [("platform.retention_changed", "shop", None)]
    assert run("definition", "remove", "shop", "age") == [("definition.removed", "shop:age", None)]
    assert run("rotate-keys") == [("keys.rotated", None, None)]
    assert run("export", file) == [("data.exported", None, None)]
    assert run("import", file) == []  # all of it is stored already
    assert run("erase", "joe", "--yes") == [("user.erased", "u-1", None)]
    assert run("import", file, code=1) == []  # the id of the user is never given out again
    (other := tmp_path / "other.jsonl").write_text(
        '{"type": "tenant", "id": "other", "name": "Other", "createdAt": 1}\n'
    )
    assert run("import", str(other)) == [("data.imported", None, None)]
    assert run("sweep") == []
    assert run(*user, "u-2") == [("user.created", "u-2", None)]
    assert run("user", "rename", "joe", f"{CANARY}2") == [("user.renamed", "u-2", None)]
    assert run("token", "revoke-all", f"{CANARY}2") == []
    assert len(run("token", "issue", f"{CANARY}2")) == 1
    ((event, _, reason),) = run("token", "revoke-all", f"{CANARY}2")
    assert (event, reason) == ("token.revoked", "ALL_OF_USER")
    identity = (f"{CANARY}2", "https://id.example.com", CANARY)
    assert run("identity", "link", *identity) == [("identity.linked", "u-2", None)]
    assert run("identity", "link", *identity) == []
    assert run("token", "revoke-all", f"{CANARY}2") == [("token.revoked", "u-2", "JWTS_OF_USER")]
    assert run("identity", "unlink", *identity) == [("identity.unlinked", "u-2", None)]
    ((event, hook, _),) = run("webhook", "create", "shop", f"https://{CANARY}.example.com/")
    assert (event, str(hook).partition(":")[0]) == ("webhook.created", "shop")
    id = str(hook).partition(":")[2]
    assert run("webhook", "update", "shop", id, "--pause") == [("webhook.changed", hook, None)]
    assert run("webhook", "rotate-secret", "shop", id) == [("webhook.secret_rotated", hook, None)]
    assert run("webhook", "delete", "shop", id) == [("webhook.deleted", hook, None)]
    assert run("tenant", "rename", "acme", "New") == [("tenant.renamed", "acme", None)]
    assert run("platform", "rename", "shop", "New") == [("platform.renamed", "shop", None)]
    assert run("platform", "delete", "shop", "--yes") == [("platform.deleted", "shop", None)]
    assert run("tenant", "delete", "acme", "--force", "--yes") == [
        ("user.erased", "u-2", None),
        ("tenant.deleted", "acme", None),
    ]
    assert run.logged == commands(get_command(app)) - set(NOT_LOGGED)
    text = run.lines.path.read_text()
    assert [line["number"] for line in map(json.loads, text.splitlines()) if line["number"]] == [3, 1]
    assert not [hidden for hidden in (CANARY, "joe", "acme::admin", "upm_") if hidden in text]


def test_backups_and_restores_of_sqlite(tmp_path: Path) -> None:
    """Each copy holds the data of all users."""
    run = CommandLine(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}", tmp_path)
    file = str(tmp_path / "backup.sqlite3")
    run("migrate")
    run("tenant", "create", "Acme")
    assert run("backup", file) == [("database.backed_up", None, None)]
    assert run("backup", file, code=1) == [], "it exists already"
    assert run("restore", file, "--force", "--yes") == [("database.restored", None, None)]
    numbers = [json.loads(line)["number"] for line in run.lines.path.read_text().splitlines()[-2:]]
    assert numbers[0] == numbers[1] > 0


def test_every_command_is_logged_or_does_not_matter() -> None:
    assert set(NOT_LOGGED) <= commands(get_command(app))


def test_an_import_that_stops_has_lines_for_what_is_stored(fresh_database_url: str, tmp_path: Path) -> None:
    run, file = CommandLine(fresh_database_url, tmp_path), tmp_path / "import.jsonl"
    run("migrate")
    tenant = {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": 1}
    file.write_text(f"{json.dumps(tenant)}\nnot JSON\n")
    assert run("import", str(file), code=1) == [("data.imported", None, None)]


def test_tokens_that_an_erased_user_issued(fresh_database_url: str, tmp_path: Path) -> None:
    run = CommandLine(fresh_database_url, tmp_path)
    run("migrate")
    run("tenant", "create", "Acme", "--id", "acme")
    for name, more in (("ann", ["--permission", "acme::admin"]), ("joe", [])):
        email = ("--email", f"{name}@example.com", "--id", name)
        run("user", "create", name, "--tenant", "acme", *email, *more)
    run("token", "issue", "ann")
    issue = 'mutation { issueToken(input: {username: "joe"}) { accessToken { id } } }'
    with serving_process(tmp_path, fresh_database_url) as server:
        id = server.ask(issue, run.output.strip()).json()["data"]["issueToken"]["accessToken"]["id"]
    assert run("erase", "ann", "--yes") == [
        ("user.erased", "ann", None),
        ("token.revoked", f"joe:{id}", "ISSUER_ERASED"),
    ]


@pytest.fixture
def migrated(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}"
    run_command(url, "migrate")
    return url


def test_without_a_file_commands_print_no_lines(migrated: str) -> None:
    done = command(migrated, "tenant", "create", "Acme")
    assert (done.returncode, done.stderr) == (0, "")


def security_lines(text: str) -> list[Line]:
    lines = [json.loads(line) for line in text.splitlines() if '"log": "security"' in line]
    assert all(set(line) == FIELDS for line in lines)
    return lines


@pytest.mark.parametrize("level", ["info", "critical"])
def test_without_a_file_servers_write_to_standard_error(migrated: str, tmp_path: Path, level: str) -> None:
    with serving_process(tmp_path, migrated, extra={"GQL_SERVICE_LOG_LEVEL": level}) as server:
        server.ask("{ __typename }", "wrong")
        (line,) = security_lines(server.output)
    assert (line["event"], line["reason"]) == ("authentication.failed", "MALFORMED")


def test_servers_append_to_a_private_file_that_may_be_moved(migrated: str, tmp_path: Path) -> None:
    path = tmp_path / "security.jsonl"
    extra = {"GQL_SERVICE_SECURITY_LOG": str(path)}
    command(migrated, "tenant", "create", "Acme", security_log=str(path))
    with serving_process(tmp_path, migrated, extra=extra) as server:
        server.ask("{ __typename }", "wrong")
        events = [line["event"] for line in security_lines(path.read_text())]
        assert events == ["tenant.created", "authentication.failed"]
        assert path.stat().st_mode & 0o777 == 0o600
        path.rename(tmp_path / f"old-{uuid4().hex}")
        server.ask("{ __typename }", "wrong")
        assert [line["event"] for line in security_lines(path.read_text())] == ["authentication.failed"]
        assert security_lines(server.output) == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_anymore_stops_nothing(migrated: str, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    extra = {"GQL_SERVICE_SECURITY_LOG": str(folder / "security.jsonl")}
    with serving_process(tmp_path, migrated, extra=extra) as server:
        folder.rename(tmp_path / "moved")
        for _ in range(2):
            assert server.ask("{ __typename }", "wrong").status_code == 401
        assert [line["event"] for line in security_lines(server.output)] == ["authentication.failed"] * 2
        assert "Traceback" not in server.output
        folder.mkdir()
        server.ask("{ __typename }", "wrong")
        assert len(security_lines((folder / "security.jsonl").read_text())) == 1


@pytest.mark.parametrize("settings", [{}, {"security_log": "/dev/full"}])
def test_full_disks_do_not_hide_what_a_command_has_done(migrated: str, settings: dict[str, str]) -> None:
    """A token that is issued but not printed could never be used."""
    tenant = run_command(migrated, "tenant", "create", "Acme")
    run_command(migrated, "user", "create", "joe", "--tenant", tenant, "--email", "joe@example.com")
    code, output = command_with_full_errors(migrated, "token", "issue", "joe", **settings)
    assert code == 0
    assert tokens.parse(output.strip()) is not None


def test_a_server_without_standard_error_stops_as_usual(migrated: str, tmp_path: Path) -> None:
    closing = ("sh", "-c", 'exec "$0" "$@" 2>&-', *PROGRAM)
    with serving_process(tmp_path, migrated, program=closing) as server:
        assert server.ask("{ me { id } }", "wrong").status_code == 401
        assert server.stop() == 0


def test_with_a_file_commands_print_no_lines_either(migrated: str, tmp_path: Path) -> None:
    done = command(migrated, "tenant", "create", "Acme", security_log=str(tmp_path / "security.jsonl"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("tenant", "create", "Acme"), ("serve", "--port", "0")])
def test_a_file_that_cannot_be_opened_ends_the_command_before_it_does_anything(
    migrated: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "missing" / "log"
    done = command(migrated, *arguments, security_log=str(path))
    assert done.returncode == 1
    assert done.stderr == (
        f"gql-service: GQL_SERVICE_SECURITY_LOG: cannot write {path}: No such file or directory\n"
    )
    exported = command(migrated, "export", "-")
    assert exported.stdout == ""


def test_demo_data_is_logged(migrated: str, tmp_path: Path) -> None:
    path = tmp_path / "security.jsonl"
    extra = {"GQL_SERVICE_SECURITY_LOG": str(path)}
    with serving_process(tmp_path, migrated, "--demo", extra=extra):
        events = [line["event"] for line in security_lines(path.read_text())]
    assert events.count("token.issued") == 2
    assert events.count("user.created") == 2
