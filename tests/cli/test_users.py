"""The commands `user` and `token`: fields, badges, notifications, and replaced tokens."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gql_service.instants import parse_milliseconds, rfc3339
from tests.support.cli_processes import PROGRAM, environment, run_command
from tests.support.service import serving
from tests.transfer.test_round_trip import CREATED_AT, Shell, data_unchanged, user_line


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """A database with two tenants and the user joe."""
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    for tenant in ("acme", "other"):
        shell.output("tenant", "create", tenant.title(), "--id", tenant)
    shell.output("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com", "--id", "joe-1")
    return shell


def test_every_field_can_be_set_and_is_shown(shell: Shell) -> None:
    updated = shell.output(
        "user", "update", "joe", "--language", "de", "--email", "jö@example.com", "--email-verified",
        "--image", "https://example.com/joe.png", "--permission", "acme::read",
        "--permission", "other::admin", "--password-change-disabled", "--project-creation-disabled",
        "--profile-field-change-disabled", "--messaging-disabled", "--platform-owner",
        "--profile-field", "firstName=Jö", "--profile-field", "phone=12:private",
        "--profile-fields", '{"age": {"value": 42}}', "--recent-projects", '{"p1": 1713800000000}',
        "--agent-permissions", '{"p1": {"task": {"read": true, "write": false}}}',
        "--opt-in", "beta=true", "--opt-in", "news=false", "--release-version", "2.1",
    )  # fmt: skip
    assert updated == "The user joe is now at revision 2.\n"
    user = shell.user()
    decided = [decision.pop("decidedAt") for decision in user["optInDecisions"]]
    assert [rfc3339(instant) for instant in decided] == [user["updatedAt"]] * 2
    assert parse_milliseconds(user.pop("updatedAt")) >= parse_milliseconds(user.pop("createdAt"))
    assert user == {
        "userId": "joe-1",
        "tenantId": "acme",
        "username": "joe",
        "displayName": "Jö",
        "email": "jö@example.com",
        "emailVerified": True,
        "image": "https://example.com/joe.png",
        "language": "de",
        "permissions": ["acme::read", "other::admin"],
        "profileFields": {
            "age": {"value": 42},
            "firstName": {"value": "Jö"},
            "phone": {"value": "12", "visibility": "private"},
        },
        "badges": [],
        "passwordChangeDisabled": True,
        "projectCreationDisabled": True,
        "profileFieldChangeDisabled": True,
        "messagingDisabled": True,
        "isPlatformOwner": True,
        "recentProjects": {"p1": 1713800000000},
        "lastSeenReleaseVersion": "2.1",
        "personalAgentPermissions": {"p1": {"task": {"read": True, "write": False}}},
        "optInDecisions": [{"name": "beta", "optedIn": True}, {"name": "news", "optedIn": False}],
        "revision": 2,
    }


def test_other_fields_stay_and_no_change_means_no_new_revision(shell: Shell) -> None:
    shell.output("user", "update", "joe", "--language", "de", "--profile-field", "firstName=Joe")
    before = shell.user()
    shell.output("user", "update", "joe", "--profile-field", "lastName=Doe", "--messaging-disabled")
    after = shell.user()
    assert after["profileFields"] == {"firstName": {"value": "Joe"}, "lastName": {"value": "Doe"}}
    kept = before.keys() - {"profileFields", "messagingDisabled", "displayName", "revision", "updatedAt"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    with data_unchanged(shell):
        response = shell.output("user", "update", "joe", "--language", "de", "--messaging-disabled")
    assert response == "The user joe did not change and is still at revision 3.\n"


def test_every_change_can_be_undone(shell: Shell) -> None:
    before = shell.user()
    flags = ("email-verified", "password-change-disabled", "project-creation-disabled", "platform-owner",
             "profile-field-change-disabled", "messaging-disabled")  # fmt: skip
    shell.output("user", "update", "joe", *(f"--{flag}" for flag in flags))
    shell.output("user", "update", "joe", "--language", "de", "--image", "https://x.example/",
               "--release-version", "1", "--permission", "other::read", "--profile-field", "a=b",
               "--recent-projects", '{"p": 1}', "--agent-permissions", '{"p": {}}')  # fmt: skip
    shell.output("user", "update", "joe", *(f"--no-{flag}" for flag in flags))
    shell.output("user", "update", "joe", "--language", "", "--image", "", "--release-version", "",
               "--remove-permission", "other::read", "--profile-fields", '{"a": null}', "--recent-projects",
               '{"p": null}', "--agent-permissions", '{"p": null}')  # fmt: skip
    assert shell.user() == before | {"revision": 5, "updatedAt": shell.user()["updatedAt"]}


@pytest.mark.parametrize(
    ("option", "stored"),
    [
        ("site=https://example.com", {"site": {"value": "https://example.com"}}),
        ("site=https://x.example:private", {"site": {"value": "https://x.example", "visibility": "private"}}),
        ("formula=a=b:tenant", {"formula": {"value": "a=b", "visibility": "tenant"}}),
        ("note=private", {"note": {"value": "private"}}),
        ("email=:tenant", {"email": {"visibility": "tenant"}}),
        ("empty=", {"empty": {}}),
    ],
)
def test_a_profile_field_has_a_value_and_an_optional_visibility(
    small_shell: Shell, option: str, stored: Any
) -> None:
    small_shell.output("user", "update", "joe", "--profile-field", option)
    assert small_shell.user()["profileFields"] == stored


@pytest.fixture
def small_shell(tmp_path: Path) -> Shell:
    """A database of SQLite with a user, for tests that do not depend on the kind of database."""
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    shell.output("migrate")
    shell.output("tenant", "create", "Acme", "--id", "acme")
    shell.output("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com", "--id", "joe-1")
    return shell


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("user show jim", "There is no user jim."),
        ("user update jim --language de", "There is no user jim."),
        ("user badge jim projectCreated", "There is no user jim."),
        ("user badges jim", "There is no user jim."),
        ("user notifications jim", "There is no user jim."),
        ("user list --tenant none", "There is no tenant none."),
        ("user update joe", "Nothing to change: add an option."),
        ("user update joe --language xx", "'xx' is not an ISO 639-1 language code"),
        ("user update joe --email joe", "'joe' is not an email address."),
        ("user update joe --image joe.png", "An image must be a URL"),
        ("user update joe --permission read", "'read' is not a permission of the form TENANT_ID::PERMISSION"),
        ("user update joe --permission none::read", "There is no tenant none"),
        ("user update joe --remove-permission acme::read", "the user does not have acme::read"),
        ("user update joe --profile-field Joe", "'Joe' is not NAME=VALUE"),
        ("user update joe --profile-field email=a@b", "`email` has only a visibility"),
        ("user update joe --profile-fields {", "--profile-fields: The text is not valid JSON"),
        ("user update joe --profile-fields []", "--profile-fields must be a JSON object"),
        ('user update joe --profile-fields {"a":1}', "`a` must be an object"),
        ('user update joe --recent-projects {"p":-1}', "The instant at which `p` was opened must be"),
        ('user update joe --recent-projects {"p":true}', "The instant at which `p` was opened must be"),
        ('user update joe --agent-permissions {"p":{"t":{}}}', "`p` must map"),
        ("user update joe --opt-in beta", "'beta' is not NAME=VALUE"),
        ("user update joe --opt-in beta=yes", "write beta=true or beta=false"),
        (f"user update joe --release-version {'1' * 65}", "A release version is 1 to 64 characters"),
        ("user update joe --language de --expected-revision 7", "The user is at revision 1."),
        ("user update joe --language de --expected-revision 0", "The user is at revision 1."),
        ("user update joe --language de --image x", "An image must be a URL"),
        ("user badge joe hero", "There is no badge 'hero'"),
        ("token issue joe --replaces unknown", "This user has no such token."),
        ("token issue joe --overlap 10m", "--overlap applies to a token that is replaced: add --replaces."),
        ("token issue joe --overlap soon --replaces x", "'soon' is not a duration"),
        (f"token issue joe --label {'x' * 201}", "A label has at most 200 characters."),
    ],
)
def test_a_refused_command_prints_the_reason_and_writes_nothing(
    small_shell: Shell, arguments: str, message: str
) -> None:
    with data_unchanged(small_shell):
        assert message in small_shell.error(*arguments.split())


def test_an_argument_that_is_not_utf8_is_refused(small_shell: Shell) -> None:
    command: list[str | bytes] = [*PROGRAM, "user", "show", b"jo\xff"]
    done = subprocess.run(command, env=environment(small_shell.url), capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"gql-service: 'jo\\udcff' is not valid UTF-8.\n")


def test_an_update_of_an_old_revision_reports_the_current_one(shell: Shell) -> None:
    shell.output("user", "update", "joe", "--language", "de", "--expected-revision", "1")
    with data_unchanged(shell):
        message = shell.error("user", "update", "joe", "--language", "fr", "--expected-revision", "1")
    assert message == "The user is at revision 2. Read it again, merge, and retry."


def test_permissions_granted_at_the_same_time_are_all_granted(shell: Shell) -> None:
    def grant(number: int) -> str:
        return run_command(shell.url, "user", "update", "joe", "--permission", f"acme::p{number}")

    with ThreadPoolExecutor(4) as racers:
        messages = sorted(racers.map(grant, range(4)))
    assert messages == [f"The user joe is now at revision {revision}." for revision in (2, 3, 4, 5)]
    assert sorted(shell.user()["permissions"]) == ["acme::p0", "acme::p1", "acme::p2", "acme::p3"]


def test_a_badge_and_its_notification_are_created_once(shell: Shell) -> None:
    assert shell.output("user", "badge", "joe", "projectCreated") == "joe has earned projectCreated.\n"
    with data_unchanged(shell):
        assert shell.output("user", "badge", "joe", "projectCreated") == "joe already has projectCreated.\n"
    (badge,) = shell.user()["badges"]
    assert badge["name"] == "projectCreated"
    (line,) = shell.output("user", "notifications", "joe").splitlines()
    when, *rest = line.split("\t")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", when)
    assert rest == [
        "unread", "badge", "Badge earned: Project founder", "You have created your first project."
    ]  # fmt: skip


def test_badges_are_listed_earned_ones_first_oldest_first(shell: Shell) -> None:
    badges = [
        {"name": "projectCreated", "earnedAt": CREATED_AT + 1},
        {"name": "old[/]one", "earnedAt": CREATED_AT},
    ]
    shell.load(user_line("ann", badges=badges))
    rows = [line.split("\t") for line in shell.output("user", "badges", "ann").splitlines()]
    assert rows[:3] == [
        ["old[/]one", "", "2023-11-14T22:13:20Z", ""],
        ["projectCreated", "Project founder", "2023-11-14T22:13:20.001Z", "Create a project."],
        ["firstActionCreated", "Off to a start", "", "Create an action within a project."],
    ]
    assert [row[2] for row in rows[3:]] == [""] * 3, "not earned"


def test_notifications_can_be_marked_as_read_once(shell: Shell) -> None:
    for badge in ("projectCreated", "firstActionCreated"):
        shell.output("user", "badge", "joe", badge)
    for count in (2, 0):
        message = shell.output("user", "notifications", "joe", "--mark-read")
        assert message == f"Marked {count} notifications as read.\n"
    assert "unread" not in shell.output("user", "notifications", "joe")


def test_all_notifications_are_listed_newest_first_without_control_characters(shell: Shell) -> None:
    notifications = [
        {"type": "notification", "userId": "joe-1", "id": f"{number:04}", "kind": "news",
         "title": f"T{number}", "body": "\x1b[31mred\ttab\nline", "createdAt": CREATED_AT,
         "readAt": CREATED_AT if number % 2 else None}
        for number in range(230)
    ]  # fmt: skip
    shell.load(*notifications)
    lines = [line.split("\t") for line in shell.output("user", "notifications", "joe").splitlines()]
    assert [line[3] for line in lines] == [f"T{number}" for number in range(230)]
    (body,) = {line[4] for line in lines}
    assert body.replace("\N{REPLACEMENT CHARACTER}", "?") == "?[31mred?tab?line"
    assert {line[1] for line in lines} == {"unread", "2023-11-14T22:13:20Z"}


def test_the_members_of_a_tenant_are_listed_with_its_guests(shell: Shell) -> None:
    guest = user_line("guest", "other", permissions=["acme::read"])
    shell.load(*(user_line(f"u{number:03}") for number in range(220)), user_line("stranger", "other"), guest)
    lines = [line.split("\t") for line in shell.output("user", "list", "--tenant", "acme").splitlines()]
    assert sorted(line[0] for line in lines) == ["guest", "joe", *(f"u{number:03}" for number in range(220))]
    assert ["guest", "guest", "guest@x.example", "other"] in lines
    assert ["joe", "joe-1", "joe@example.com", "acme"] in lines


def test_a_replaced_token_works_until_the_overlap_is_over(shell: Shell) -> None:
    old = shell.output("token", "issue", "joe").strip()
    new = shell.output(
        "token", "issue", "joe", "--replaces", old.split("_")[1], "--overlap", "10m", "--label", "[/]"
    ).strip()
    listed = shell.output("token", "list", "joe")
    assert "[/]" in listed
    printed = shell.output("user", "show", "joe") + listed + shell.exported()
    assert not [part for token in (old, new) for part in token.split("_")[2:] if part in printed]

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers).status_code

    with serving(shell.url) as service:
        assert [status(old), status(new)] == [200, 200]
        service.clock_offset = 10 * 60_000
        assert [status(old), status(new)] == [401, 200]


def test_a_replaced_token_ends_at_once_without_an_overlap(shell: Shell) -> None:
    old = shell.output("token", "issue", "joe").strip()
    shell.output("token", "issue", "joe", "--replaces", old.split("_")[1])
    with serving(shell.url) as service:
        headers = {"Authorization": f"Bearer {old}"}
        response = service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert response.status_code == 401


def test_the_reader_of_a_list_may_close_the_pipe(shell: Shell) -> None:
    shell.load(
        *(user_line(f"u{number:04}", email=f"{'x' * 50}{number:04}@{'y' * 200}") for number in range(1000))
    )
    command = [*PROGRAM, "user", "list", "--tenant", "acme"]
    env = environment(shell.url)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 1
