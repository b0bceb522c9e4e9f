"""Each row of `USER_FIELDS` works everywhere: in GraphQL, at the command line, and in exports and imports.

A new row is tested without changes here, unless its check refuses the examples of its type.
"""

import json
from typing import Any
from uuid import uuid4

import pytest

from gql_service.cli.user_options import option_of
from gql_service.domain.users.fields import REQUIRED, USER_FIELDS, Editor, FieldType, UserField
from gql_service.domain.users.rows import COLUMNS, User
from gql_service.store import tables
from tests.support.service import Service
from tests.support.users import ask, verdict, write
from tests.support.world import World
from tests.transfer.test_round_trip import Shell, user_line

# Columns that no client sets after creation.
FIXED = ["id", "tenant_id", "username", "revision", "created_at", "updated_at"]
# Columns that are derived from others.
DERIVED = ["name_key", "email_key"]
EXAMPLES: dict[FieldType, Any] = {
    FieldType.TEXT: "1.2",
    FieldType.BOOLEAN: True,
    FieldType.OBJECT: {"a": 1},
    FieldType.TEXTS: ["acme::read"],
    FieldType.DECISIONS: [{"name": "beta", "optedIn": True}],
}
EXAMPLES_OF_COLUMNS: dict[str, Any] = {
    "email": "new@example.org",
    "image": "https://example.com/new.png",
    "language": "de",
    "profile_fields": {"city": {"value": "London"}},
    "personal_agent_permissions": {"p1": {"task": {"read": True, "write": False}}},
}
SELECTIONS = {FieldType.DECISIONS: "{ name optedIn }"}
fields = pytest.mark.parametrize("field", USER_FIELDS.values(), ids=USER_FIELDS.keys())


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A database on SQLite with the tenant acme."""
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('shell') / 'data.sqlite3'}")
    shell.output("migrate")
    shell.output("tenant", "create", "Acme", "--id", "acme")
    return shell


def example(field: UserField) -> Any:
    """A value that a new user does not have."""
    return EXAMPLES_OF_COLUMNS.get(field.column, EXAMPLES[field.type])


def arguments(field: UserField) -> list[str]:
    """The arguments of a command that set the example."""
    option, value = option_of(field), example(field)
    match field.type:
        case FieldType.TEXT:
            return [option, value]
        case FieldType.BOOLEAN:
            return [option]
        case FieldType.OBJECT:
            return [option, json.dumps(value)]
        case FieldType.TEXTS:
            return [argument for text in value for argument in (option, text)]
        case FieldType.DECISIONS:
            return [argument for each in value for argument in (option, f"{each['name']}=true")]


def in_world(field: UserField, world: World) -> Any:
    """The example, with the tenant of the world."""
    value = f"{uuid4().hex}@example.org" if field.column == "email" else example(field)
    return [f"{world.tenant_id}::read"] if field.type is FieldType.TEXTS else value


def selection(field: UserField) -> str:
    return f"{field.public_name} {SELECTIONS.get(field.type, '')}"


def without_instants(value: Any) -> Any:
    """A value as it was sent, without the instants that the service adds to decisions."""
    if isinstance(value, list):
        return [
            {name: each[name] for name in each if name != "decidedAt"} if isinstance(each, dict) else each
            for each in value
        ]
    return value


def test_every_column_is_in_the_table_or_fixed() -> None:
    assert sorted(tables.users.c.keys()) == sorted([*FIXED, *USER_FIELDS, *DERIVED])


def test_a_row_has_the_columns_in_the_order_of_the_table() -> None:
    """The search for members selects all columns of the table, and reads them as `User`."""
    assert [*(column.name for column in COLUMNS), *DERIVED] == tables.users.c.keys()
    assert {field.attribute for field in USER_FIELDS.values()} < set(User._fields)


@fields
def test_public_names_are_columns_in_camel_case(field: UserField) -> None:
    first, *rest = field.column.split("_")
    assert field.public_name == first + "".join(word.title() for word in rest)


@fields
def test_create_user_takes_it(world: World, field: UserField) -> None:
    value = in_world(field, world)
    input = {"username": f"u_{uuid4().hex}", "email": f"{uuid4().hex}@b.example", "tenantId": world.tenant_id}
    payload = write(
        world.owner, "createUser", input | {field.public_name: value}, f"user {{ {selection(field)} }}"
    )
    assert payload["user"][field.public_name] == value


@fields
def test_update_user_takes_it(world: World, field: UserField) -> None:
    user, value = world.new_user(), in_world(field, world)
    before = ask(user, user, selection(field))[field.public_name]
    assert before != value
    if field.default is not REQUIRED:
        assert before == (list(field.default) if isinstance(field.default, tuple) else field.default)
    write(world.owner, "updateUser", {"username": user.username, field.public_name: value})
    assert ask(user, user, selection(field)) == {field.public_name: value}


@fields
def test_it_is_set_by_its_editor_and_those_above(world: World, field: UserField) -> None:
    editors = list(Editor)
    for editor, caller in zip(editors, (None, world.admin, world.owner), strict=True):
        user = world.new_user()
        input = {"username": user.username, field.public_name: in_world(field, world)}
        allowed = editors.index(field.editor) <= editors.index(editor)
        outcome = verdict(caller or user, "updateUser", input)
        assert outcome == ("OK" if allowed else f"NOT_ALLOWED {field.public_name}")


@fields
def test_null_clears_it_only_if_it_is_nullable(world: World, field: UserField) -> None:
    user = world.new_user()
    value = in_world(field, world)
    input = {"username": user.username, field.public_name: value}
    write(world.owner, "updateUser", input)
    outcome = verdict(world.owner, "updateUser", input | {field.public_name: None})
    assert outcome == ("OK" if field.nullable else f"INVALID_VALUE {field.public_name}")
    expected = None if field.nullable else value
    assert ask(user, user, selection(field))[field.public_name] == expected


@fields
def test_the_command_line_creates_users_with_it(shell: Shell, field: UserField) -> None:
    name = f"u_{uuid4().hex}"
    email = [] if field.column == "email" else ["--email", f"{name}@b.example"]
    shell.output("user", "create", name, "--tenant", "acme", *email, *arguments(field))
    assert without_instants(exported(shell, name)[field.public_name]) == example(field)
    shell.output("erase", name, "--yes")  # the address is that of the next test


@fields
def test_the_command_line_changes_it(shell: Shell, field: UserField) -> None:
    name = f"u_{uuid4().hex}"
    shell.output("user", "create", name, "--tenant", "acme", "--email", f"{name}@b.example")
    assert without_instants(exported(shell, name)[field.public_name]) != example(field)
    shell.output("user", "update", name, *arguments(field))
    assert without_instants(exported(shell, name)[field.public_name]) == example(field)
    if field.nullable:
        shell.output("user", "update", name, option_of(field), "")
        assert exported(shell, name)[field.public_name] is None
    shell.output("erase", name, "--yes")


@fields
def test_it_is_imported_and_exported(shell: Shell, field: UserField) -> None:
    value = example(field)
    if field.type is FieldType.DECISIONS:
        value = [each | {"decidedAt": 1} for each in value]
    name = f"u_{uuid4().hex}"
    shell.load(user_line(name, **{field.public_name: value}))
    assert exported(shell, name)[field.public_name] == value


@fields
def test_an_import_may_leave_it_out_unless_it_is_required(shell: Shell, field: UserField) -> None:
    line = user_line(f"u_{uuid4().hex}")
    line.pop(field.public_name, None)
    if field.default is REQUIRED:
        message = shell.error("import", "-", input=json.dumps(line).encode())
        assert f"The field `{field.public_name}` is missing." in message
    else:
        shell.load(line)
        default = exported(shell, line["id"])[field.public_name]
        assert default == (list(field.default) if isinstance(field.default, tuple) else field.default)


def exported(shell: Shell, username: str) -> dict[str, Any]:
    """The line of a user in an export."""
    lines = [json.loads(line) for line in shell.exported().splitlines()]
    (line,) = [line for line in lines if line["type"] == "user" and line["username"] == username]
    return dict(line)
