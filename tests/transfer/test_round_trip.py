"""Export, import and export again give the same bytes, on both databases."""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gql_service.cli import app
from tests.support.http_clients import PATIENCE
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import World

CREATED_AT = 1_700_000_000_000
Line = dict[str, Any]


class Shell:
    """The command line in this process, on one database."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self._runner = CliRunner()

    def run(self, *arguments: str, input: bytes | None = None, **settings: str) -> Any:
        env = {"DATABASE_URL": self.url} | {name.upper(): value for name, value in settings.items()}
        env = {f"GQL_SERVICE_{name}": value for name, value in env.items()}
        return self._runner.invoke(app, arguments, env=env, input=input, catch_exceptions=False)

    def output(self, *arguments: str, input: bytes | None = None, **settings: str) -> str:
        """The standard output of a command, which must succeed."""
        done = self.run(*arguments, input=input, **settings)
        assert done.exit_code == 0, done.stderr
        return str(done.stdout)

    def error(self, *arguments: str, input: bytes | None = None, **settings: str) -> str:
        """The error message of a command, which must fail without other output."""
        done = self.run(*arguments, input=input, **settings)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        assert re.fullmatch(r"gql-service: .+\n", done.stderr), done.stderr
        return str(done.stderr).removeprefix("gql-service: ").strip()

    def user(self, username: str = "joe") -> dict[str, Any]:
        user: dict[str, Any] = json.loads(self.output("user", "show", username, "--json"))
        return user

    def exported(self) -> str:
        return self.output("export", "-")

    def load(self, *lines: dict[str, Any]) -> None:
        self.output("import", "-", input="".join(json.dumps(line) + "\n" for line in lines).encode())


@contextmanager
def data_unchanged(shell: Shell) -> Iterator[None]:
    before = shell.exported()
    yield
    assert shell.exported() == before


def user_line(id: str, tenant: str = "acme", **more: Any) -> dict[str, Any]:
    """The line of a user, without the fields that have defaults."""
    line = {"type": "user", "id": id, "tenantId": tenant, "username": id, "email": f"{id}@x.example"}
    return line | {"createdAt": CREATED_AT} | more


def jsonl(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lines in the format of an export."""
    dumps = [json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for line in lines]
    return "".join(f"{line}\n" for line in dumps)


def completed(line: Line) -> Line:
    """The line of a user or document with the defaults of the omitted fields."""
    omitted: Line = {"revision": 1, "updatedAt": line["createdAt"]}
    if line["type"] == "document":
        omitted["attributes"] = {}
    if line["type"] == "user":
        flags = ("emailVerified", "passwordChangeDisabled", "projectCreationDisabled",
                 "profileFieldChangeDisabled", "messagingDisabled", "isPlatformOwner")  # fmt: skip
        omitted |= dict.fromkeys(flags, False)
        omitted |= dict.fromkeys(("image", "language", "lastSeenReleaseVersion"))
        omitted |= {name: {} for name in ("profileFields", "recentProjects", "personalAgentPermissions")}
        omitted |= {name: [] for name in ("permissions", "badges", "optInDecisions")}
    return omitted | line


def document_line(user: str, platform: str | None, metadata: Line, **more: Any) -> Line:
    """The line of a document."""
    line = {"type": "document", "userId": user, "platformKey": platform, "metadata": metadata}
    return completed(line | {"createdAt": CREATED_AT} | more)


PLATFORM: Line = {"type": "platform", "createdAt": CREATED_AT, "strict": False}
DIRECTORY: list[Line] = [
    {"type": "tenant", "id": "-", "name": 'Zürich \u2028 "AG"', "createdAt": 0},
    {"type": "tenant", "id": "Other", "name": "Other", "createdAt": 2**53 - 1},
    {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": CREATED_AT},
    PLATFORM | {"id": "p-2", "key": "blog", "tenantId": "Other", "name": ""},
    PLATFORM | {"id": "p-1", "key": "shop", "tenantId": "acme", "name": "🛒"},
]
ANN = user_line(
    "B",
    username="änn.o+1@x",
    email="änn@x.example",
    emailVerified=True,
    image="https://x.example/ä.png",
    language="de",
    permissions=["acme::read", "Other::admin", "-::x"],
    profileFields={
        "big": {"value": 2**63 - 1}, "email": {"visibility": "tenant"}, "firstName": {"value": "Änn"},
        "low": {"value": -(2**63)}, "none": {"value": None}, "real": {"value": 1.5}, "sure": {"value": True},
        "void": {},
    },
    badges=[{"earnedAt": 0, "name": "of the past"}, {"earnedAt": CREATED_AT, "name": "projectCreated"}],
    passwordChangeDisabled=True,
    projectCreationDisabled=True,
    profileFieldChangeDisabled=True,
    messagingDisabled=True,
    isPlatformOwner=True,
    recentProjects={"p": 2**53 - 1, "q": 0},
    lastSeenReleaseVersion="2.0 β",
    personalAgentPermissions={"p": {"task": {"read": True, "write": False}}, "q": {}},
    optInDecisions=[
        {"name": "z", "optedIn": False, "decidedAt": 1}, {"name": "a", "optedIn": True, "decidedAt": 0}
    ],
    revision=2**31 - 1,
    updatedAt=CREATED_AT + 1,
)  # fmt: skip
IDENTITY: Line = {"type": "identity", "userId": "B", "issuer": "https://login.example.com"}
NEWS: Line = {
    "type": "notification",
    "userId": "B",
    "kind": "news",
    "title": "",
    "body": "a\nb\t🎉",
    "readAt": None,
}
EVERYTHING: list[Line] = [
    *DIRECTORY,
    completed(user_line("-")),
    ANN,
    IDENTITY | {"subject": "ö", "linkedAt": 0},
    IDENTITY | {"subject": "a", "linkedAt": CREATED_AT},
    NEWS | {"id": "0a", "createdAt": CREATED_AT},
    NEWS | {"id": "0b", "createdAt": CREATED_AT, "readAt": CREATED_AT + 1},
    document_line("B", None, {"ü": None, "n": [1, 1.5, 1e22, 2**63 - 1, True, {"": {}}]}, revision=7),
    document_line("B", "shop", {}, revision=3, updatedAt=0),
    document_line("B", "blog", {"theme": "dark"}),
    completed(user_line("_", "Other")),
    completed(user_line("a", permissions=["Other::read"])),
    document_line("a", "blog", {"guest": True}),
]


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database."""
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    return shell


@pytest.fixture
def other(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> Shell:
    """Another empty database, of the same kind."""
    if shell.url.startswith("sqlite"):
        other = Shell(f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite3'}")
    else:
        other = Shell(request.getfixturevalue("postgres_server").create_database())
    other.output("migrate")
    return other


@pytest.fixture
def sqlite_shell(tmp_path: Path) -> Shell:
    """An empty database of SQLite."""
    sqlite_shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'lite.sqlite3'}")
    sqlite_shell.output("migrate")
    return sqlite_shell


def test_an_export_of_imported_data_has_the_same_bytes(
    shell: Shell, other: Shell, sqlite_shell: Shell
) -> None:
    text = jsonl(EVERYTHING)
    assert text.encode().isascii() is False
    count = len(EVERYTHING)
    output = shell.output("import", "-", input=text.encode())
    assert output == f"Read {count} lines: {count} written, 0 already stored.\n"
    for target in (other, sqlite_shell):
        assert shell.exported() == text
        target.output("import", "-", input=shell.exported().encode())
        assert target.exported() == text
    output = shell.output("import", "-", input=text.encode())
    assert output == f"Read {count} lines: 0 written, {count} already stored.\n"
    assert shell.exported() == text


def test_the_service_uses_imported_data(shell: Shell) -> None:
    shell.load(*EVERYTHING)
    token = shell.output("token", "issue", ANN["username"]).strip()
    headers = {"Authorization": f"Bearer {token}"}
    query = """{
      me { userId email permissions badges { name earnedAt } revision language unreadNotificationCount
           identities { subject } notifications(first: 5) { nodes { body } } }
      platformMetadata(platformKey: "shop") { revision metadata }
      platform(key: "blog") { users(first: 9) { nodes { userId } } }
    }"""
    with serving(shell.url) as service:
        response = service.client.post("/graphql", json={"query": query}, headers=headers).json()["data"]
        patch = """mutation { patchPlatformMetadata(input: {platformKey: "shop", metadata: {a: 1}})
          { platformMetadata { revision } } }"""
        patched = service.client.post("/graphql", json={"query": patch}, headers=headers).json()["data"]
    assert response["me"] == {
        "userId": "B", "email": ANN["email"], "permissions": ANN["permissions"], "badges": ANN["badges"],
        "identities": [{"subject": "ö"}, {"subject": "a"}],
        "notifications": {"nodes": [{"body": NEWS["body"]}] * 2}, "revision": 2**31 - 1, "language": "de",
        "unreadNotificationCount": 1,
    }  # fmt: skip
    assert response["platformMetadata"] == {"revision": 3, "metadata": {}}
    assert {node["userId"] for node in response["platform"]["users"]["nodes"]} == {"B", "_", "a"}
    assert patched["patchPlatformMetadata"]["platformMetadata"]["revision"] == 4


def test_lines_may_omit_defaults_and_contain_white_space(
    sqlite_shell: Shell,
) -> None:
    lines = [*DIRECTORY, user_line("u"), document_line("u", "shop", {"b": 1, "a": 2})]
    for omitted in ("revision", "updatedAt", "attributes"):
        lines[-1].pop(omitted)
    short = [{name: value for name, value in line.items() if value is not False} for line in lines]
    sqlite_shell.output("import", "-", input="\r\n".join(json.dumps(line) + "  " for line in short).encode())
    assert sqlite_shell.exported() == jsonl([*DIRECTORY, *map(completed, lines[-2:])])


def test_many_pages_are_exported_in_order(shell: Shell, other: Shell) -> None:
    platforms = [DIRECTORY[-1] | {"id": f"p{n:03}", "key": f"k{n:03}"} for n in range(120)]
    tenants = [DIRECTORY[2] | {"id": f"t{n:03}"} for n in range(120)]
    people: list[Line] = []
    for n in range(230):
        id = f"u{n:03}"
        people.append(completed(user_line(id, permissions=[f"t{n % 120:03}::read"])))
        people += [
            NEWS | {"userId": id, "id": f"{k:03}", "createdAt": CREATED_AT}
            for k in range(130 if n == 7 else 1)
        ]
        people += [document_line(id, f"k{k:03}", {"n": n}) for k in range(120 if n in (99, 100) else n % 3)]
    text = jsonl([DIRECTORY[2], *tenants, *platforms, *people])
    shell.output("import", "-", input=text.encode())
    assert shell.exported() == text
    other.output("import", "-", input=text.encode())
    assert other.exported() == text


def test_tokens_are_not_exported(shell: Shell, other: Shell) -> None:
    shell.load(*EVERYTHING)
    token = shell.output("token", "issue", "a", "--label", "laptop").strip()
    assert "laptop" not in shell.exported()
    other.output("import", "-", input=shell.exported().encode())
    with serving(other.url) as service:
        headers = {"Authorization": f"Bearer {token}"}
        response = service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert response.status_code == 401


def test_an_export_during_writes_can_be_imported(shell: Shell, other: Shell) -> None:
    begun, over = threading.Event(), threading.Event()
    with serving(shell.url) as service:

        def write() -> None:
            while not over.is_set():
                world = World(service)
                world.member.rest("PATCH", world.platform_key, {"metadata": {"a": 1}})
                begun.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert begun.wait(timeout=PATIENCE)
            for _ in range(5):
                text = shell.exported()
        finally:
            over.set()
            writer.join()
    assert '"type":"document"' in text
    other.output("import", "-", input=text.encode())
    assert len(other.exported().splitlines()) == len(text.splitlines())


def test_the_order_does_not_depend_on_the_collation(postgres_server: Postgres, sqlite_shell: Shell) -> None:
    create = "CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    host, port = str(postgres_server.folder), str(postgres_server.port)
    postgres_server.run("psql", "-h", host, "-p", port, "-U", "tester", "-d", "postgres", "-qc", create)
    english = Shell(f"postgresql+asyncpg://tester@127.0.0.1:{port}/english")
    english.output("migrate")
    keys, ids = ["0", "a-b", "a.b", "a_b", "ab"], ["-a", "A", "Ab", "B", "_a", "a", "a-b", "aB", "ab", "b"]
    platforms = [DIRECTORY[-1] | {"id": f"p{number}", "key": key} for number, key in enumerate(keys)]
    # Spellings of one name differ in their ids only.
    users = [user_line(id, username=f"u{n}", email=f"{n}@x.example") for n, id in enumerate(ids)]
    text = jsonl([DIRECTORY[2], *platforms, *map(completed, users)])
    for shell in (sqlite_shell, english):
        shell.output("import", "-", input=text.encode())
        assert shell.exported() == text
