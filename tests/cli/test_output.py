"""What commands print: with `--json` one JSON document on standard output, else text and tables."""

import base64
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, validate_schema

from tests.cli.test_help import LEAVES
from tests.support.cli_processes import PROGRAM, environment
from tests.transfer.test_round_trip import DIRECTORY, Shell, jsonl

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
KEYS = {"encryption_keys": json.dumps({"k1": base64.b64encode(bytes(32)).decode()})}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with the tenant `acme`, its platform `shop` and its user `joe`."""
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    shell.output("migrate")
    shell.output("tenant", "create", "Acme", "--id", "acme")
    shell.output("platform", "create", "shop", "--tenant", "acme")
    shell.output("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com", "--id", "joe-1")
    return shell


def without_random_parts(document: Any) -> Any:
    """The document with placeholders for times, tokens, and ids that the service made."""
    if isinstance(document, dict):
        return {key: without_random_parts(value) for key, value in document.items()}
    if isinstance(document, list):
        return [without_random_parts(each) for each in document]
    if isinstance(document, str):
        if TIME.fullmatch(document):
            return "TIME"
        if document.startswith("whsec_"):
            return "SECRET"
        return re.sub(r"upm_\w+|^[0-9a-f]{32}$|^[0-9a-f-]{36}$|^\w{16}$", "RANDOM", document)
    return document


TOKEN = {"id": "RANDOM", "label": "", "createdAt": "TIME", "expiresAt": None, "revokedAt": None}
NO_RULES = dict.fromkeys(
    ("minimum", "maximum", "minLength", "maxLength", "pattern", "choices", "schema", "indexedPaths")
)
NO_DEFAULTS = dict.fromkeys(("isEncrypted", "isIndexed", "isPublic", "isEditable", "category", "description"))
NO_ASSIGNMENT: dict[str, Any] = {"default": None, "enabled": True, "variants": [], "salt": ""}
NO_ASSIGNMENT |= {"userWideFallback": False, "clientVisible": True}
NO_PRESENTATION = dict.fromkeys(("title", "section", "position"))
DEFINITION = {"key": "age", "valueType": "number"} | NO_RULES | NO_DEFAULTS | NO_ASSIGNMENT | NO_PRESENTATION
DEFINITION |= {"minimum": 0, "isIndexed": True, "createdAt": "TIME", "updatedAt": "TIME"}
SHOP = {"id": "RANDOM", "key": "shop", "tenantId": "acme", "name": "shop", "mode": "STRICT"}
ANN = {"userId": "ann-1", "tenantId": "acme", "username": "ann", "email": "ann@example.com"}
NOTIFICATION = {
    "id": "RANDOM",
    "kind": "badge",
    "title": "Badge earned: Project founder",
    "body": "You have created your first project.",
    "createdAt": "TIME",
    "readAt": None,
}
ROWS = ("memberships", "earnedBadges", "notifications", "accessTokens", "documents", "documentChanges",
        "metadataIndex", "metadataIndexParts", "idempotencyKeys", "userTexts", "userChanges", "identities",
        "revocations", "permissionHolders")  # fmt: skip
CHANGED_ROWS = ("documents", "documentChanges", "idempotencyKeys", "accessTokens", "userChanges")
OTHER = {"id": "other", "users": 0, "guests": 0, "platforms": 0, "documents": 0}
IDENTITY = {"issuer": "https://issuer.example.com", "subject": "s-1", "linkedAt": "TIME"}
HOOK = {"webhookId": "RANDOM", "url": "https://hooks.example.com/", "types": ["USER_ERASED"],
        "state": "ACTIVE", "disabledReason": None, "failingSince": None, "createdAt": "TIME",
        "updatedAt": "TIME"}  # fmt: skip
DELIVERY = {"deliveryId": "1", "state": "PENDING", "isTest": True, "attempts": 0, "createdAt": "TIME",
            "attemptedAt": None, "nextAt": "TIME", "status": None, "response": None,
            "error": None}  # fmt: skip
STEPS: list[tuple[str, Any]] = [
    ("migrate", {"upToDate": True, "changed": False}),
    ("tenant create Other --id other", {"id": "other", "name": "Other", "createdAt": "TIME"}),
    ("platform create blog --tenant acme",
     SHOP | {"key": "blog", "name": "blog", "mode": "OPEN", "createdAt": "TIME"}),
    ("definition set shop age --type number --minimum 0 --indexed",
     {"definition": DEFINITION, "brokenDocuments": 0, "checkedDocuments": 0, "examples": [],
      "dryRun": False}),
    ("definition list shop", [DEFINITION]),
    ("definition list blog", []),
    ("definition history shop",
     [{"key": "age", "changedAt": "TIME", "actorId": None, "definition": DEFINITION}]),
    ("definition adoption shop", [{"key": "age", "documents": 0}]),
    ("definition remove shop age", {"removed": True}),
    ("platform mode shop strict", {"platform": SHOP, "brokenDocuments": 0}),
    ("platform retention shop --history-max-age 30",
     {"platform": "shop", "historyMaxAge": 30, "historyMaxChanges": 10000, "idempotencyMaxAge": 24}),
    ("user create ann --tenant acme --email ann@example.com --id ann-1", ANN),
    ("user update ann --language de",
     {"userId": "ann-1", "username": "ann", "revision": 2, "changed": True}),
    ("user list --tenant acme",
     [ANN, {"userId": "joe-1", "tenantId": "acme", "username": "joe", "email": "joe@example.com"}]),
    ("user badge ann projectCreated", {"awarded": True}),
    ("user badge ann projectCreated", {"awarded": False}),
    ("user notifications ann", [NOTIFICATION]),
    ("user notifications ann --mark-read", {"readIds": ["RANDOM"]}),
    ("user notifications joe", []),
    ("token issue ann --expires-in 90d", {"token": "RANDOM", "id": "RANDOM", "expiresAt": "TIME"}),
    ("token issue joe", {"token": "RANDOM", "id": "RANDOM", "expiresAt": None}),
    ("token list joe", [TOKEN]),
    ("token revoke TOKEN", TOKEN | {"revokedAt": "TIME"}),
    ("identity link ann https://issuer.example.com s-1", {"identities": [IDENTITY]}),
    ("identity list ann", [IDENTITY]),
    ("identity link ann https://issuer.example.com s-2",
     {"identities": [IDENTITY, IDENTITY | {"subject": "s-2"}]}),
    ("identity unlink ann https://issuer.example.com s-2", {"identities": [IDENTITY]}),
    ("rotate-keys",
     {"activeKey": "k1", "entries": 0, "digests": 0, "failures": [], "remainingEntries": {},
      "removableKeys": []}),
    ("sweep", {"documents": 0, "entries": 0, "answers": 0, "changes": 0, "userChanges": 0, "events": 0}),
    ("export FILE", {"lines": 9}),
    ("import FILE", {"read": 9, "written": 0, "unchanged": 9, "missingEncryptionKeys": []}),
    ("user rename ann Ann", ANN | {"username": "Ann"}),
    ("token revoke-all ann", {"revokedIds": ["RANDOM"]}),
    ("tenant list",
     [{"id": "acme", "name": "Acme", "createdAt": "TIME"},
      {"id": "other", "name": "Other", "createdAt": "TIME"}]),
    ("tenant rename other New", {"id": "other", "name": "New", "createdAt": "TIME"}),
    ("tenant delete other --dry-run", OTHER | {"dryRun": True}),
    ("tenant delete other --yes", OTHER | {"dryRun": False}),
    ("platform list", [SHOP | {"key": "blog", "name": "blog", "mode": "OPEN"}, SHOP]),
    ("platform rename blog Blog", SHOP | {"key": "blog", "name": "Blog", "mode": "OPEN"}),
    ("platform delete blog --yes", {"key": "blog", "documents": 0, "definitions": 0, "dryRun": False}),
    ("webhook create shop https://hooks.example.com/ --type user.erased", HOOK | {"secret": "SECRET"}),
    ("webhook list shop", [HOOK]),
    ("webhook update shop WEBHOOK --all-types --pause", HOOK | {"types": None, "state": "PAUSED"}),
    ("webhook update shop WEBHOOK --resume", HOOK | {"types": None}),
    ("webhook rotate-secret shop WEBHOOK", HOOK | {"types": None, "secret": "SECRET"}),
    ("webhook test shop WEBHOOK", DELIVERY),
    ("webhook redeliver shop WEBHOOK 1", DELIVERY | {"deliveryId": "2"}),
    ("webhook deliveries shop WEBHOOK --count 1", [DELIVERY | {"deliveryId": "2"}]),
    ("webhook delete shop WEBHOOK", {"deletedWebhookId": "RANDOM"}),
    ("erase ann --yes",
     {"username": "Ann",
      "dryRun": False,
      "deletedRows": dict.fromkeys(ROWS, 0)
      | {"memberships": 1, "earnedBadges": 1, "notifications": 1, "accessTokens": 1, "userTexts": 2,
         "userChanges": 9, "identities": 1, "revocations": 1},
      "changedRowsOfOthers": dict.fromkeys(CHANGED_ROWS, 0)}),
]  # fmt: skip
OTHERS = [
    ("definition", "preview"),
    ("user", "show"),
    ("user", "export"),
    ("user", "badges"),
    ("user", "changes"),
    ("export-schema",),
]
OTHERS += [("doctor",), ("config",), ("healthcheck",), ("backup",), ("restore",), ("sizes",)]
"""Tested one by one."""


def test_every_command_is_tested() -> None:
    tested = {path for path in LEAVES for step, _ in STEPS if step.split()[: len(path)] == list(path)}
    assert tested | {*OTHERS, ("serve",)} == LEAVES.keys()


def test_json_is_one_document_with_stable_keys(shell: Shell, tmp_path: Path) -> None:
    token = shell.output("token", "issue", "joe").split("_")[1]
    shell.output("token", "revoke", token)
    replacements = {"FILE": str(tmp_path / "all.jsonl")}
    for step, expected in STEPS:
        arguments = [replacements.get(word, word) for word in step.split()]
        done = shell.run(*arguments, "--json", input=None, **KEYS)
        assert done.exit_code == 0, (step, done.stderr)
        document = json.loads(done.stdout)
        if step == "token list joe":
            assert document[0]["id"] == token
            replacements["TOKEN"] = document[1]["id"]
            document = document[1:]
        if step.startswith("webhook create"):
            replacements["WEBHOOK"] = document["webhookId"]
        assert without_random_parts(document) == expected, step
        if not step.startswith("token issue"):
            assert done.stderr == "", step


def test_a_user_has_the_fields_of_the_graphql_type(shell: Shell) -> None:
    shell.output("user", "badge", "joe", "projectCreated")
    user = json.loads(shell.output("user", "show", "joe", "--json"))
    schema = json.loads(shell.output("export-schema", "--json"))
    types = {each["name"]: each["fields"] for each in schema["__schema"]["types"]}
    assert user.keys() <= {field["name"] for field in types["User"]}
    assert TIME.fullmatch(user["createdAt"])
    assert user["userId"] == "joe-1"
    badge, *other_badges = json.loads(shell.output("user", "badges", "joe", "--json"))
    assert badge | {"earnedAt": 0} == {
        "name": "projectCreated",
        "title": "Project founder",
        "criteria": "Create a project.",
        "earnedAt": 0,
    }
    assert user["badges"] == [{"name": "projectCreated", "earnedAt": badge["earnedAt"]}]
    assert [other["earnedAt"] for other in other_badges] == [None] * 4


def test_a_user_is_shown_as_fields_for_people(shell: Shell) -> None:
    shell.output("user", "update", "joe", "--profile-field", "firstName=Jö")
    rows = dict(line.split("\t") for line in shell.output("user", "show", "joe").splitlines())
    assert rows["userId"] == "joe-1"
    assert rows["language"] == ""
    assert rows["emailVerified"] == "false"
    assert rows["profileFields"] == '{"firstName": {"value": "Jö"}}'


def test_a_broken_import_prints_no_document(shell: Shell) -> None:
    source = jsonl([DIRECTORY[0], {"type": "tenant"}]).encode()
    done = shell.run("import", "-", "--json", input=source)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("gql-service: Line 2: The field `id` is missing. All lines before line 2")


def test_an_export_to_standard_output_cannot_print_json(shell: Shell) -> None:
    assert shell.error("export", "-", "--json").startswith("--json needs a FILE")


def test_prompts_are_written_to_standard_error(shell: Shell) -> None:
    program = [*PROGRAM, "erase", "joe", "--json"]
    done = subprocess.run(program, env=environment(shell.url), input="y\n", capture_output=True, text=True)
    assert json.loads(done.stdout)["username"] == "joe"
    assert "Permanently delete joe and all their data?" in done.stderr


def test_json_escapes_control_characters(shell: Shell) -> None:
    label = "\x1b[31m\x9b1m\u202e\U000e0001ü🎉"
    shell.output("token", "issue", "joe", "--label", label)
    text = shell.output("token", "list", "joe", "--json")
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert "ü🎉" in text
    assert json.loads(text)[0]["label"] == label


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal: that of the test, and that of the command."""
    controller, tty = pty.openpty()
    yield controller, tty
    os.close(controller)


@pytest.mark.parametrize("columns", [50, 200])
def test_a_terminal_shows_tables_that_cut_no_value(
    shell: Shell, terminal: tuple[int, int], columns: int
) -> None:
    shell.output("token", "issue", "joe", "--label", "ł" * 120)
    (token,) = json.loads(shell.output("token", "list", "joe", "--json"))
    controller, tty = terminal
    env = environment(shell.url) | {"COLUMNS": str(columns), "TERM": "xterm"}
    subprocess.run([*PROGRAM, "token", "list", "joe"], env=env, stdout=tty, check=True)
    os.close(tty)
    screen = re.sub(r"\x1b\[[\d;]*m", "", os.read(controller, 65536).decode())
    assert "…" not in screen
    assert screen.count("ł") == 120
    cells = [line.split("│")[1].strip() for line in screen.splitlines() if "│" in line]
    assert "".join(cells) == token["id"]
    assert max(map(len, screen.splitlines())) <= columns


def test_the_schema_is_printed_for_gateways_and_without_federation(shell: Shell) -> None:
    complete, api = shell.output("export-schema"), shell.output("export-schema", "--api")
    subgraph = shell.output("export-schema", "--subgraph")
    federation = ["@key", "@link", "@shareable", "_entities(", "_service", "_Any", "_Entity", "_Service"]
    assert [word for word in federation if word not in complete] == []
    assert [word for word in federation if word in api] == []
    assert [word for word in ("node(", "nodes(", "@auth", "enum Role") if word not in api] == []
    hidden = ["node(", "nodes(", "@auth", "enum Role", "_entities("]
    assert [word for word in hidden if word in subgraph] == []
    assert [word for word in ("@key", "@link", "@shareable") if word not in subgraph] == []
    schema = build_schema(api)
    assert validate_schema(schema) == []
    introspection = json.loads(shell.output("export-schema", "--api", "--json"))
    assert {each["name"] for each in introspection["__schema"]["types"]} == schema.type_map.keys()
    assert shell.run("export-schema", "--api", "--subgraph").exit_code == 2
