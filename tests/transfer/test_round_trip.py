"""`export` and `import`: what comes out goes in and comes out again, to the byte, on both databases."""

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

BORN = 1_700_000_000_000
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

    def told(self, *arguments: str, input: bytes | None = None, **settings: str) -> str:
        """What a command prints that must succeed."""
        done = self.run(*arguments, input=input, **settings)
        assert done.exit_code == 0, done.stderr
        return str(done.stdout)

    def refused(self, *arguments: str, input: bytes | None = None, **settings: str) -> str:
        """The one line with which a command fails."""
        done = self.run(*arguments, input=input, **settings)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        assert re.fullmatch(r"gql-service: .+\n", done.stderr), done.stderr
        return str(done.stderr).removeprefix("gql-service: ").strip()

    def user(self, username: str = "joe") -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.told("user", "show", username))
        return shown

    def everything(self) -> str:
        return self.told("export", "-")

    def load(self, *lines: dict[str, Any]) -> None:
        self.told("import", "-", input="".join(json.dumps(line) + "\n" for line in lines).encode())


@contextmanager
def unchanged(shell: Shell) -> Iterator[None]:
    before = shell.everything()
    yield
    assert shell.everything() == before


def person(id: str, tenant: str = "acme", **more: Any) -> dict[str, Any]:
    """The line of a user."""
    line = {"type": "user", "id": id, "tenantId": tenant, "username": id, "email": f"{id}@x.example"}
    return line | {"createdAt": BORN} | more


def written(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lines as an export writes them."""
    dumps = [json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for line in lines]
    return "".join(f"{line}\n" for line in dumps)


def whole(line: Line) -> Line:
    """The line of a user or document with what it leaves out."""
    left_out: Line = {"revision": 1, "updatedAt": line["createdAt"]}
    if line["type"] == "document":
        left_out["attributes"] = {}
    if line["type"] == "user":
        flags = ("emailVerified", "passwordChangeDisabled", "projectCreationDisabled",
                 "profileFieldChangeDisabled", "messagingDisabled", "isPlatformOwner")  # fmt: skip
        left_out |= dict.fromkeys(flags, False)
        left_out |= dict.fromkeys(("image", "language", "lastSeenReleaseVersion"))
        left_out |= {name: {} for name in ("profileFields", "recentProjects", "personalAgentPermissions")}
        left_out |= {name: [] for name in ("permissions", "badges", "optInDecisions")}
    return left_out | line


def filed(user: str, platform: str | None, metadata: Line, **more: Any) -> Line:
    """The line of a document."""
    line = {"type": "document", "userId": user, "platformKey": platform, "metadata": metadata}
    return whole(line | {"createdAt": BORN} | more)


PLATFORM: Line = {"type": "platform", "createdAt": BORN, "strict": False}
DIRECTORY: list[Line] = [
    {"type": "tenant", "id": "-", "name": 'Zürich \u2028 "AG"', "createdAt": 0},
    {"type": "tenant", "id": "Other", "name": "Other", "createdAt": 2**53 - 1},
    {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": BORN},
    PLATFORM | {"id": "p-2", "key": "blog", "tenantId": "Other", "name": ""},
    PLATFORM | {"id": "p-1", "key": "shop", "tenantId": "acme", "name": "🛒"},
]
ANN = person(
    "B",
    username="änn.o+1@x",
    email="änn@x.example",
    emailVerified=True,
    image="https://x.example/ä.png",
    language="de",
    permissions=["acme::read", "Other::admin", "-::x"],
    profileFields={
        "big": {"value": 2**63 - 1}, "email": {"visibility": "tenant"}, "firstName": {"value": "Änn"},
        "low": {"value": -(2**63)}, "none": {"value": None}, "real": {"value": 1.0}, "sure": {"value": True},
        "void": {},
    },
    badges=[{"earnedAt": 0, "name": "of the past"}, {"earnedAt": BORN, "name": "projectCreated"}],
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
    updatedAt=BORN + 1,
)  # fmt: skip
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
    whole(person("-")),
    ANN,
    NEWS | {"id": "0a", "createdAt": BORN},
    NEWS | {"id": "0b", "createdAt": BORN, "readAt": BORN + 1},
    filed("B", None, {"ü": None, "n": [1, 1.0, 1e22, -0.0, 2**63 - 1, True, {"": {}}]}, revision=7),
    filed("B", "shop", {}, revision=3, updatedAt=0),
    filed("B", "blog", {"theme": "dark"}),
    whole(person("_", "Other")),
    whole(person("a", permissions=["Other::read"])),
    filed("a", "blog", {"guest": True}),
]


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database."""
    shell = Shell(fresh_database_url)
    shell.told("migrate")
    return shell


@pytest.fixture
def other(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> Shell:
    """Another one, of the same kind."""
    if shell.url.startswith("sqlite"):
        other = Shell(f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite3'}")
    else:
        other = Shell(request.getfixturevalue("postgres_server").create_database())
    other.told("migrate")
    return other


@pytest.fixture
def lite(tmp_path: Path) -> Shell:
    """An empty database of SQLite."""
    lite = Shell(f"sqlite+aiosqlite:///{tmp_path / 'lite.sqlite3'}")
    lite.told("migrate")
    return lite


def test_what_is_imported_is_exported_to_the_byte(shell: Shell, other: Shell, lite: Shell) -> None:
    text = written(EVERYTHING)
    assert text.encode().isascii() is False
    count = len(EVERYTHING)
    told = shell.told("import", "-", input=text.encode())
    assert told == f"Read {count} lines: {count} written, 0 there already.\n"
    for target in (other, lite):
        assert shell.everything() == text
        target.told("import", "-", input=shell.everything().encode())
        assert target.everything() == text
    told = shell.told("import", "-", input=text.encode())
    assert told == f"Read {count} lines: 0 written, {count} there already.\n"
    assert shell.everything() == text


def test_what_was_imported_is_what_the_service_knows(shell: Shell) -> None:
    shell.load(*EVERYTHING)
    token = shell.told("token", "issue", ANN["username"]).strip()
    headers = {"Authorization": f"Bearer {token}"}
    asked = """{
      me { userId email permissions badges { name earnedAt } revision language unreadNotificationCount
           notifications(first: 5) { nodes { body } } }
      platformMetadata(platformKey: "shop") { revision metadata }
      platform(key: "blog") { users(first: 9) { nodes { userId } } }
    }"""
    with serving(shell.url) as service:
        answer = service.client.post("/graphql", json={"query": asked}, headers=headers).json()["data"]
        patch = """mutation { patchPlatformMetadata(input: {platformKey: "shop", metadata: {a: 1}})
          { platformMetadata { revision } } }"""
        patched = service.client.post("/graphql", json={"query": patch}, headers=headers).json()["data"]
    assert answer["me"] == {
        "userId": "B", "email": ANN["email"], "permissions": ANN["permissions"], "badges": ANN["badges"],
        "notifications": {"nodes": [{"body": NEWS["body"]}] * 2}, "revision": 2**31 - 1, "language": "de",
        "unreadNotificationCount": 1,
    }  # fmt: skip
    assert answer["platformMetadata"] == {"revision": 3, "metadata": {}}
    assert {node["userId"] for node in answer["platform"]["users"]["nodes"]} == {"B", "_", "a"}
    assert patched["patchPlatformMetadata"]["platformMetadata"]["revision"] == 4


def test_lines_may_leave_out_what_new_users_do_not_have_and_be_spaced_as_they_like(lite: Shell) -> None:
    lines = [*DIRECTORY, person("u"), filed("u", "shop", {"b": 1, "a": 2})]
    for left_out in ("revision", "updatedAt", "attributes"):
        lines[-1].pop(left_out)
    short = [{name: said for name, said in line.items() if said is not False} for line in lines]
    lite.told("import", "-", input="\r\n".join(json.dumps(line) + "  " for line in short).encode())
    assert lite.everything() == written([*DIRECTORY, *map(whole, lines[-2:])])


def test_pages_of_everything_come_in_order(shell: Shell, other: Shell) -> None:
    platforms = [DIRECTORY[-1] | {"id": f"p{n:03}", "key": f"k{n:03}"} for n in range(120)]
    tenants = [DIRECTORY[2] | {"id": f"t{n:03}"} for n in range(120)]
    people: list[Line] = []
    for n in range(230):
        id = f"u{n:03}"
        people.append(whole(person(id, permissions=[f"t{n % 120:03}::read"])))
        people += [
            NEWS | {"userId": id, "id": f"{k:03}", "createdAt": BORN} for k in range(130 if n == 7 else 1)
        ]
        people += [filed(id, f"k{k:03}", {"n": n}) for k in range(120 if n in (99, 100) else n % 3)]
    text = written([DIRECTORY[2], *tenants, *platforms, *people])
    shell.told("import", "-", input=text.encode())
    assert shell.everything() == text
    other.told("import", "-", input=text.encode())
    assert other.everything() == text


def test_tokens_stay_where_they_are(shell: Shell, other: Shell) -> None:
    shell.load(*EVERYTHING)
    token = shell.told("token", "issue", "a", "--label", "laptop").strip()
    assert "laptop" not in shell.everything()
    other.told("import", "-", input=shell.everything().encode())
    with serving(other.url) as service:
        headers = {"Authorization": f"Bearer {token}"}
        answer = service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert answer.status_code == 401


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
                text = shell.everything()
        finally:
            over.set()
            writer.join()
    assert '"type":"document"' in text
    other.told("import", "-", input=text.encode())
    assert len(other.everything().splitlines()) == len(text.splitlines())


def test_the_order_does_not_depend_on_the_collation(postgres_server: Postgres, lite: Shell) -> None:
    create = "CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    host, port = str(postgres_server.folder), str(postgres_server.port)
    postgres_server.run("psql", "-h", host, "-p", port, "-U", "tester", "-d", "postgres", "-qc", create)
    english = Shell(f"postgresql+asyncpg://tester@127.0.0.1:{port}/english")
    english.told("migrate")
    keys, ids = ["0", "a-b", "a.b", "a_b", "ab"], ["-a", "A", "Ab", "B", "_a", "a", "a-b", "aB", "ab", "b"]
    platforms = [DIRECTORY[-1] | {"id": f"p{number}", "key": key} for number, key in enumerate(keys)]
    text = written([DIRECTORY[2], *platforms, *(whole(person(id)) for id in ids)])
    for shell in (lite, english):
        shell.told("import", "-", input=text.encode())
        assert shell.everything() == text
