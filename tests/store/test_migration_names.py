"""The migration to unique spellings: it reports users who collide, changes nothing, and takes solutions."""

from tests.store.test_migration_upgrade import ROWS, migrate_to
from tests.transfer.test_round_trip import CREATED_AT, Shell, data_unchanged, user_line

USERS = f"""{ROWS};
INSERT INTO users (id, tenant_id, username, email, profile_fields, permissions, is_platform_owner, revision,
  created_at, updated_at) VALUES
  ('w', 'acme', 'U', 'w@x.example', '{{}}', '[]', false, 1, {CREATED_AT + 1}, {CREATED_AT}),
  ('x', 'acme', 'x', 'V@X.example', '{{}}', '[]', false, 1, {CREATED_AT + 1}, {CREATED_AT});
INSERT INTO memberships (user_id, tenant_id) VALUES ('w', 'acme'), ('x', 'acme')"""
NAMES = "The usernames 'u' (user id u) and 'U' (user id w) are spellings of the same name."
ADDRESSES = "'v' (user id v) and 'x' (user id x) of the tenant acme have the same email address."
RENAME, SET_EMAIL = ("--rename", "U=ursula"), ("--set-email", "x=x@x.example")


def refusal(shell: Shell, *arguments: str) -> list[str]:
    """The lines that `migrate` prints as it refuses; afterwards, the database is as it was."""
    done = shell.run("migrate", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert shell.error("export", "-") == "The database is not up to date. Run: gql-service migrate"
    return [line.removeprefix("gql-service: ") for line in str(done.stderr).splitlines()]


def test_collisions_are_reported_and_solved(fresh_database_url: str) -> None:
    migrate_to(fresh_database_url, "0002", USERS)
    shell = Shell(fresh_database_url)
    *pairs, advice = refusal(shell)
    assert pairs == [NAMES, ADDRESSES]
    assert advice.startswith("Nothing was migrated. Run migrate again with --rename OLD=NEW")
    assert refusal(shell, *RENAME)[:-1] == [ADDRESSES]
    assert refusal(shell, *SET_EMAIL)[:-1] == [NAMES]
    shell.output("migrate", *RENAME, *SET_EMAIL)
    assert shell.user("URSULA")["userId"] == "w"
    assert shell.user("u")["userId"] == "u"
    x = shell.user("X")
    assert (x["email"], x["emailVerified"], x["revision"]) == ("x@x.example", False, 2)
    assert shell.user("v")["revision"] == 1


def test_wrong_solutions_change_nothing(fresh_database_url: str) -> None:
    migrate_to(fresh_database_url, "0002", USERS)
    shell = Shell(fresh_database_url)
    for arguments, message in [
        (("--rename", "nobody=n"), "There is no user 'nobody'. Nothing was migrated."),
        (("--rename", "U=v"), "'v' is taken. Nothing was migrated."),
        (("--rename", "U=a b"), "'a b' is not a username. Nothing was migrated."),
        (("--set-email", "x=x"), "'x' is not an email address. Nothing was migrated."),
        (("--rename", "U"), "--rename: 'U' needs an equals sign and a new value."),
    ]:
        assert refusal(shell, *arguments) == [message]
    assert refusal(shell)[:-1] == [NAMES, ADDRESSES]


def test_an_import_refuses_users_who_collide(fresh_database_url: str) -> None:
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    tenant = {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": CREATED_AT}
    shell.load(tenant, user_line("ann"))
    with data_unchanged(shell):
        for line, message in [
            (user_line("b", username="ANN"), "`username`: ANN is taken by another user, perhaps in another"),
            (
                user_line("b", email="Ann@X.example"),
                "`email`: another user of the tenant acme has the address",
            ),
        ]:
            text = (str(line).replace("'", '"') + "\n").encode()
            assert message in shell.error("import", "-", input=text)


def test_stored_names_of_several_scripts_can_be_moved(fresh_database_url: str) -> None:
    rows = USERS.replace("'U'", "'\u0430nn'").replace("V@X.example", "x@x.example")
    migrate_to(fresh_database_url, "0002", rows)
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    assert shell.user("\u0410nn")["userId"] == "w"
    assert '"username":"\u0430nn"' in shell.exported()
