"""Helpers for tests on users: mutations, reading all fields, and storing malformed data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import TableClause, insert, update
from sqlalchemy.sql.expression import Executable

from gql_service.domain.users import notifications
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.world import Caller, World

EVERYTHING = """userId tenantId username displayName image email emailVerified language permissions
  isPlatformOwner revision createdAt updatedAt passwordChangeDisabled projectCreationDisabled
  profileFieldChangeDisabled messagingDisabled profileFields recentProjects lastSeenReleaseVersion
  personalAgentPermissions optInDecisions { name optedIn decidedAt } badges { name earnedAt }
  unreadNotificationCount tokens(first: 3) { nodes { id label createdAt expiresAt revokedAt } }"""
NOBODY = "no-user-has-this-name"
CONFLICT = "... on RevisionConflict { currentRevision }"


def send(caller: Caller, mutation: str, input: Mapping[str, Any], select: str = "") -> dict[str, Any]:
    """The response to a mutation; `select` is the selection besides `userErrors`."""
    type_name = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"""mutation ($input: {type_name}!) {{ {mutation}(input: $input) {{
      userErrors {{ code message field {CONFLICT} }} {select} }} }}"""
    return caller.graphql(query, input=dict(input))


def write(caller: Caller, mutation: str, input: Mapping[str, Any], select: str = "") -> Any:
    """The payload of a mutation that must succeed."""
    body = send(caller, mutation, input, select)
    assert "errors" not in body, body
    assert body["data"][mutation].pop("userErrors") == [], body
    return body["data"][mutation]


def verdict(caller: Caller, mutation: str, input: Mapping[str, Any]) -> str:
    """The outcome of a mutation: OK, the code of an error, or the code and field of each user error."""
    body = send(caller, mutation, input)
    if "errors" in body:
        return codes(body)
    problems = body["data"][mutation]["userErrors"]
    assert all(problem["message"] for problem in problems), problems
    return " ".join(f"{problem['code']} {'.'.join(problem['field'])}" for problem in problems) or "OK"


def codes(body: Mapping[str, Any]) -> str:
    """The distinct codes of the errors of a response."""
    return " ".join(sorted({error["extensions"]["code"] for error in body["errors"]}))


def ask(viewer: Caller, user: Caller, fields: str) -> Any:
    """Fields of a user as a viewer sees them; there must be no error."""
    return viewer.ask(f"query ($id: ID!) {{ user(by: {{userId: $id}}) {{ {fields} }} }}", id=user.id)["user"]


def state(world: World, *users: Caller) -> Any:
    """All fields of users, as a platform owner sees them."""
    return [ask(world.owner, user, EVERYTHING) for user in users]


@contextmanager
def unchanged(world: World, *users: Caller) -> Iterator[None]:
    """Assert that the block changes none of these users, and adds none to the tenants of the world."""
    count = "query ($key: String!) { platform(key: $key) { users(first: 1) { totalCount } } }"

    def everything() -> Any:
        keys = (world.platform_key, world.other_platform_key)
        return state(world, *users), [world.owner.ask(count, key=key) for key in keys]

    before = everything()
    yield
    assert everything() == before


def guest(world: World, *permissions: str) -> Caller:
    """A user of the other tenant with permissions (by default `editor`) in the tenant of the world."""
    return world.new_user(
        world.other_tenant_id,
        permissions=[f"{world.tenant_id}::{each}" for each in permissions or ("editor",)],
    )


def run_sql(world: World, statement: Executable) -> None:
    """Write to the database directly."""
    world.service.write(lambda transaction: transaction.execute(Statement(statement)))


def corrupt(world: World, user: Caller, **columns: Any) -> None:
    """Set columns of a user to values that the service would refuse."""
    run_sql(world, update(tables.users).where(tables.users.c.id == user.id).values(**columns))


def store(world: World, table: TableClause, **columns: Any) -> None:
    """Insert a row directly."""
    run_sql(world, insert(table).values(**columns))


def notify(world: World, user: Caller, *titles: str, now: int | None = None) -> list[str]:
    """Create notifications, a millisecond apart and newest last; returns their ids in this order."""
    instant = world.service.services.clock() if now is None else now
    return [
        world.service.write(
            lambda tx, at=instant + index, title=title: notifications.notify(  # type: ignore[misc]
                tx, user.id, kind="test", title=title, body="", now=at
            )
        ).id
        for index, title in enumerate(titles)
    ]
