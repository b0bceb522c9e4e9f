"""Users whose names or email addresses are equal for the migration 0007, and how the operator solves that."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa

from gql_service.errors import BadUserInput
from gql_service.names import fold
from gql_service.quoting import quoted

_MAX_PRINTED = 100
_ALL = sa.text("SELECT id, tenant_id, username, email FROM users ORDER BY created_at, id")
_RENAME = sa.text("UPDATE users SET username = :new, revision = revision + 1 WHERE username = :old")
_SET_EMAIL = sa.text(
    "UPDATE users SET email = :new, email_verified = false, revision = revision + 1 WHERE username = :old"
)
_USERNAME, _EMAIL = re.compile(r"[\w.@+-]{1,150}"), re.compile(r"[^\s@\0]{1,64}@[^\s@\0]{1,255}")


class Solutions(NamedTuple):
    """What the operator wants to change before users are compared, by the usernames that they have before."""

    usernames: Mapping[str, str]
    emails: Mapping[str, str]


class Collisions(BadUserInput):
    """Stored users have names or email addresses that must not be equal any more. Nothing was migrated."""

    def __init__(self, pairs: list[str]) -> None:
        printed = pairs[:_MAX_PRINTED]
        more = [f"... and {len(pairs) - len(printed)} more"] if len(pairs) > len(printed) else []
        self.lines = [
            *printed,
            *more,
            "Nothing was migrated. Run migrate again with --rename OLD=NEW and --set-email USERNAME=ADDRESS "
            "for one user of each pair; both options can be repeated.",
        ]
        super().__init__(self.lines[-1])


def solve(connection: sa.Connection, solutions: Solutions | None) -> None:
    """Change users as the operator wants, and check that no two are equal.

    Raises Collisions or BadUserInput.
    """
    if solutions is not None:
        # Email addresses first: both options name users as they are called before.
        _apply(connection, _SET_EMAIL, solutions.emails, _EMAIL, "an email address")
        _apply(connection, _RENAME, solutions.usernames, _USERNAME, "a username")
    pairs: list[str] = []
    names: dict[str, tuple[str, str]] = {}
    emails: dict[tuple[str, str], tuple[str, str]] = {}
    for id, tenant_id, username, email in connection.execute(_ALL).all():
        first_id, first = names.setdefault(fold(username), (id, username))
        if first_id != id:
            pairs.append(
                f"The usernames {quoted(first)} (user id {first_id}) and {quoted(username)} (user id {id}) "
                "are spellings of the same name."
            )
        first_id, first = emails.setdefault((tenant_id, fold(email)), (id, username))
        if first_id != id:
            pairs.append(
                f"{quoted(first)} (user id {first_id}) and {quoted(username)} (user id {id}) of the tenant "
                f"{tenant_id} have the same email address."
            )
    if pairs:
        raise Collisions(pairs)


def _apply(
    connection: sa.Connection,
    statement: sa.TextClause,
    changes: Mapping[str, str],
    form: re.Pattern[str],
    what: str,
) -> None:
    for username, new in changes.items():
        if not form.fullmatch(new):
            raise BadUserInput(f"{quoted(new)} is not {what}. Nothing was migrated.")
        try:
            with connection.begin_nested():
                result = connection.execute(statement, {"old": username, "new": new})
        except sa.exc.IntegrityError:
            raise BadUserInput(f"{quoted(new)} is taken. Nothing was migrated.") from None
        if result.rowcount != 1:
            raise BadUserInput(f"There is no user {quoted(username)}. Nothing was migrated.")
