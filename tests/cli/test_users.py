"""The commands about users: every field, badges, notifications, and tokens that replace others."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_processes import PROGRAM, environment
from tests.support.service import serving
from tests.transfer.test_round_trip import BORN, Shell, person, unchanged


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """A database with two tenants and the user joe."""
    shell = Shell(fresh_database_url)
    shell.told("migrate")
    for tenant in ("acme", "other"):
        shell.told("tenant", "create", tenant.title(), "--id", tenant)
    shell.told("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com", "--id", "joe-1")
    return shell


def test_every_field_can_be_set_and_is_shown(shell: Shell) -> None:
    updated = shell.told(
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
    assert decided == [user["updatedAt"]] * 2
    assert user.pop("updatedAt") >= user.pop("createdAt")
    assert user == {
        "id": "joe-1",
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


def test_what_is_not_named_stays_and_what_changes_nothing_is_no_revision(shell: Shell) -> None:
    shell.told("user", "update", "joe", "--language", "de", "--profile-field", "firstName=Joe")
    before = shell.user()
    shell.told("user", "update", "joe", "--profile-field", "lastName=Doe", "--messaging-disabled")
    after = shell.user()
    assert after["profileFields"] == {"firstName": {"value": "Joe"}, "lastName": {"value": "Doe"}}
    kept = before.keys() - {"profileFields", "messagingDisabled", "displayName", "revision", "updatedAt"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    with unchanged(shell):
        answer = shell.told("user", "update", "joe", "--language", "de", "--messaging-disabled")
    assert answer == "The user joe did not change, and is at revision 3.\n"


def test_what_was_set_can_be_taken_back(shell: Shell) -> None:
    born = shell.user()
    flags = ("email-verified", "password-change-disabled", "project-creation-disabled", "platform-owner",
             "profile-field-change-disabled", "messaging-disabled")  # fmt: skip
    shell.told("user", "update", "joe", *(f"--{flag}" for flag in flags))
    shell.told("user", "update", "joe", "--language", "de", "--image", "https://x.example/",
               "--release-version", "1", "--permission", "other::read", "--profile-field", "a=b",
               "--recent-projects", '{"p": 1}', "--agent-permissions", '{"p": {}}')  # fmt: skip
    shell.told("user", "update", "joe", *(f"--no-{flag}" for flag in flags))
    shell.told("user", "update", "joe", "--language", "", "--image", "", "--release-version", "",
               "--remove-permission", "other::read", "--profile-fields", '{"a": null}', "--recent-projects",
               '{"p": null}', "--agent-permissions", '{"p": null}')  # fmt: skip
    assert shell.user() == born | {"revision": 5, "updatedAt": shell.user()["updatedAt"]}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("site=https://example.com", {"site": {"value": "https://example.com"}}),
        ("site=https://x.example:private", {"site": {"value": "https://x.example", "visibility": "private"}}),
        ("formula=a=b:tenant", {"formula": {"value": "a=b", "visibility": "tenant"}}),
        ("note=private", {"note": {"value": "private"}}),
        ("email=:tenant", {"email": {"visibility": "tenant"}}),
        ("empty=", {"empty": {}}),
    ],
)
def test_a_profile_field_is_a_value_and_perhaps_a_visibility(
    empty_shell: Shell, given: str, stored: Any
) -> None:
    empty_shell.told("user", "update", "joe", "--profile-field", given)
    assert empty_shell.user()["profileFields"] == stored


@pytest.fixture
def empty_shell(tmp_path: Path) -> Shell:
    """On SQLite only, for what the database has no part in."""
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    shell.told("migrate")
    shell.told("tenant", "create", "Acme", "--id", "acme")
    shell.told("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com", "--id", "joe-1")
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
        ("token issue joe --overlap 10m", "--overlap is about the token that --replaces names."),
        ("token issue joe --overlap soon --replaces x", "'soon' is no duration"),
        (f"token issue joe --label {'x' * 201}", "A label has at most 200 characters."),
    ],
)
def test_a_refused_command_says_why_and_writes_nothing(
    empty_shell: Shell, arguments: str, message: str
) -> None:
    with unchanged(empty_shell):
        assert message in empty_shell.refused(*arguments.split())


def test_an_argument_that_is_not_utf8_is_refused(empty_shell: Shell) -> None:
    command: list[str | bytes] = [*PROGRAM, "user", "show", b"jo\xff"]
    done = subprocess.run(command, env=environment(empty_shell.url), capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"gql-service: 'jo\\udcff' is not valid UTF-8.\n")


def test_a_change_of_a_revision_that_has_passed_tells_the_current_one(shell: Shell) -> None:
    shell.told("user", "update", "joe", "--language", "de", "--expected-revision", "1")
    with unchanged(shell):
        message = shell.refused("user", "update", "joe", "--language", "fr", "--expected-revision", "1")
    assert message == "The user is at revision 2. Read it again, merge, and retry."


def test_permissions_granted_at_the_same_time_are_all_granted(shell: Shell) -> None:
    command = [*PROGRAM, "user", "update", "joe", "--permission"]
    env = environment(shell.url)
    racers = [
        subprocess.Popen([*command, f"acme::p{number}"], env=env, stdout=subprocess.PIPE)
        for number in range(4)
    ]
    told = sorted(racer.communicate(timeout=60)[0].decode() for racer in racers)
    assert told == [f"The user joe is now at revision {revision}.\n" for revision in (2, 3, 4, 5)]
    assert sorted(shell.user()["permissions"]) == ["acme::p0", "acme::p1", "acme::p2", "acme::p3"]


def test_a_badge_is_awarded_once_and_told_once(shell: Shell) -> None:
    assert (
        shell.told("user", "badge", "joe", "projectCreated") == "joe has earned the badge projectCreated.\n"
    )
    with unchanged(shell):
        assert shell.told("user", "badge", "joe", "projectCreated") == "joe has projectCreated already.\n"
    (badge,) = shell.user()["badges"]
    assert badge["name"] == "projectCreated"
    (line,) = shell.told("user", "notifications", "joe").splitlines()
    when, *rest = line.split("\t")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", when)
    assert rest == [
        "unread", "badge", "Badge earned: Project founder", "You have created your first project."
    ]  # fmt: skip


def test_badges_are_listed_oldest_first_known_or_not_and_then_those_to_be_earned(shell: Shell) -> None:
    badges = [{"name": "projectCreated", "earnedAt": BORN + 1}, {"name": "old[/]one", "earnedAt": BORN}]
    shell.load(person("ann", badges=badges))
    shown = shell.told("user", "badges", "ann")
    assert re.findall(r"^│ (\S+) +│ (.*?) +│ (\S+) +│$", shown, re.MULTILINE) == [
        ("old[/]one", "", "2023-11-14T22:13:20Z"),
        ("projectCreated", "Project founder", "2023-11-14T22:13:20.001Z"),
    ]
    progress, *locked = shown.splitlines()[-5:]
    assert progress == "1 of 5 badges of the catalogue."
    assert locked[0] == "To be earned: firstActionCreated. Create an action within a project."


def test_notifications_can_be_marked_as_read_once(shell: Shell) -> None:
    for badge in ("projectCreated", "firstActionCreated"):
        shell.told("user", "badge", "joe", badge)
    for count in (2, 0):
        told = shell.told("user", "notifications", "joe", "--mark-read")
        assert told == f"{count} notifications are read now.\n"
    assert "unread" not in shell.told("user", "notifications", "joe")


def test_all_notifications_are_listed_the_newest_first_and_steer_no_terminal(shell: Shell) -> None:
    told = [
        {"type": "notification", "userId": "joe-1", "id": f"{number:04}", "kind": "news",
         "title": f"T{number}", "body": "\x1b[31mred\ttab\nline", "createdAt": BORN,
         "readAt": BORN if number % 2 else None}
        for number in range(230)
    ]  # fmt: skip
    shell.load(*told)
    lines = [line.split("\t") for line in shell.told("user", "notifications", "joe").splitlines()]
    assert [line[3] for line in lines] == [f"T{number}" for number in range(230)]
    (body,) = {line[4] for line in lines}
    assert body.replace("\N{REPLACEMENT CHARACTER}", "?") == "?[31mred?tab?line"
    assert {line[1] for line in lines} == {"unread", "2023-11-14T22:13:20Z"}


def test_the_members_of_a_tenant_are_listed_with_its_guests(shell: Shell) -> None:
    guest = person("guest", "other", permissions=["acme::read"])
    shell.load(*(person(f"u{number:03}") for number in range(220)), person("stranger", "other"), guest)
    lines = [line.split("\t") for line in shell.told("user", "list", "--tenant", "acme").splitlines()]
    assert sorted(line[0] for line in lines) == ["guest", "joe", *(f"u{number:03}" for number in range(220))]
    assert ["guest", "guest", "guest@x.example", "other"] in lines
    assert ["joe", "joe-1", "joe@example.com", "acme"] in lines


def test_a_replaced_token_works_until_the_overlap_is_over(shell: Shell) -> None:
    old = shell.told("token", "issue", "joe").strip()
    new = shell.told(
        "token", "issue", "joe", "--replaces", old.split("_")[1], "--overlap", "10m", "--label", "[/]"
    ).strip()
    listed = shell.told("token", "list", "joe")
    assert "[/]" in listed
    shown = shell.told("user", "show", "joe") + listed + shell.everything()
    assert not [part for token in (old, new) for part in token.split("_")[2:] if part in shown]

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers).status_code

    with serving(shell.url) as service:
        assert [status(old), status(new)] == [200, 200]
        service.clock_offset = 10 * 60_000
        assert [status(old), status(new)] == [401, 200]


def test_a_replaced_token_ends_at_once_without_an_overlap(shell: Shell) -> None:
    old = shell.told("token", "issue", "joe").strip()
    shell.told("token", "issue", "joe", "--replaces", old.split("_")[1])
    with serving(shell.url) as service:
        headers = {"Authorization": f"Bearer {old}"}
        answer = service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert answer.status_code == 401


def test_whoever_reads_the_list_may_stop(shell: Shell) -> None:
    shell.load(*(person(f"u{number:04}", email=f"{'x' * 60}@{'y' * 200}") for number in range(1000)))
    command = [*PROGRAM, "user", "list", "--tenant", "acme"]
    env = environment(shell.url)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 1
