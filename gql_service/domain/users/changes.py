"""The changes of users: who changed what, when, and through which interface.

Each field that a write changes is a row, written in the same transaction. Secrets are never in it. Documents
have a history of their own.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, func, insert, select

from gql_service import strict_json
from gql_service.auth.access import Author
from gql_service.domain.events.events import EventType
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.users import user_events
from gql_service.domain.users.fields import USER_FIELDS, FieldType, UserField
from gql_service.domain.users.rows import User
from gql_service.errors import MalformedData
from gql_service.instants import rfc3339
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import user_changes


class UserAction(Enum):
    """What was done to a field of a user."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    GRANTED = "GRANTED"
    REMOVED = "REMOVED"
    AWARDED = "AWARDED"
    ISSUED = "ISSUED"
    SHORTENED = "SHORTENED"
    REVOKED = "REVOKED"
    LINKED = "LINKED"
    UNLINKED = "UNLINKED"


_EVENT_TYPES = {
    UserAction.AWARDED: EventType.BADGE_AWARDED,
    UserAction.ISSUED: EventType.TOKEN_ISSUED,
    UserAction.REVOKED: EventType.TOKEN_REVOKED,
}


class FieldChange(NamedTuple):
    """What a write does to one field of a user."""

    action: UserAction
    field: str | None = None
    """Its public name; None if the user was created."""
    member: str | None = None
    """The part of the field: a permission, a name, or the id of a token."""
    old: Any = None
    new: Any = None
    """The values before and after; None where there was none, and where `member` says it all."""


class UserChange(NamedTuple):
    """A row of `user_changes`. The values are canonical JSON."""

    user_id: str
    id: str
    field: str | None
    member: str | None
    stored_action: str
    old_value: str | None
    new_value: str | None
    actor_id: str | None
    """None for the operator, for users who were erased, and for imports."""
    source: str
    changed_at: int

    @property
    def action(self) -> UserAction:
        return UserAction(self.stored_action)

    @property
    def size(self) -> int:
        """The characters of the values."""
        return len(self.old_value or "") + len(self.new_value or "")


_OF_USER = user_changes.c.user_id == bindparam("of_user")
_NEWEST = Statement(select(func.min(user_changes.c.id)).where(_OF_USER))
_INSERT = Statement(insert(user_changes))
_COLUMNS = [column.name for column in user_changes.c]


async def record(
    transaction: Connection, user_id: str, author: Author, now: int, changes: Sequence[FieldChange]
) -> None:
    """Record what the transaction does to a user; nothing if there are no changes."""
    if not changes:
        return
    await transaction.lock({f"changes of user:{user_id}"}, exclusive=True)
    [(newest,)] = await transaction.fetch(_NEWEST, of_user=user_id)
    first = now if newest is None else max(now, _number(newest) + 1)
    await _insert(transaction, _rows(user_id, author, now, changes, first))
    events = ((_EVENT_TYPES.get(change.action, EventType.USER_CHANGED), change.field) for change in changes)
    await user_events.record_changes(transaction, user_id, author.actor_id, now, events)


async def record_new(transaction: Connection, rows: Iterable[User], author: Author, now: int) -> None:
    """Record that the transaction creates these users."""
    created = list(rows)
    recorded = [(user.user_id, of_creation(user)) for user in created]
    await _insert(
        transaction, [row for id, changes in recorded for row in _rows(id, author, now, changes, now)]
    )
    await user_events.record_creations(transaction, created, author.actor_id, now)


async def _insert(transaction: Connection, rows: Sequence[UserChange]) -> None:
    await transaction.execute_many(_INSERT, [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


def _rows(
    user_id: str, author: Author, now: int, changes: Sequence[FieldChange], first: int
) -> list[UserChange]:
    return [
        UserChange(
            user_id,
            id_of(first + offset),
            change.field,
            change.member,
            change.action.value,
            _text(change.old),
            _text(change.new),
            author.actor_id,
            author.source,
            now,
        )
        for offset, change in enumerate(changes)
    ]


def _text(value: Any) -> str | None:
    return None if value is None else strict_json.dumps(value)


def id_of(number: int) -> str:
    """The id of a change, which sorts newest first. `number` is its time in milliseconds, or one more than
    the number of the change before it."""
    return f"{2**53 - number:014x}"


def _number(id: str) -> int:
    return 2**53 - int(id, 16)


def of_creation(user: User) -> list[FieldChange]:
    """A new user, and the rights that they begin with."""
    blank = user._replace(stored_permissions="[]", is_platform_owner=False)
    return [FieldChange(UserAction.CREATED), *of_change(blank, user)]


def of_change(before: User, after: User) -> list[FieldChange]:
    """The fields in which two states of a user differ."""
    changes: list[FieldChange] = []
    if before.username != after.username:
        changes.append(FieldChange(UserAction.CHANGED, "username", None, before.username, after.username))
    for field in USER_FIELDS.values():
        if getattr(before, field.attribute) != getattr(after, field.attribute):
            changes += _of_field(field, before, after)
    return changes


def _of_field(field: UserField, before: User, after: User) -> list[FieldChange]:
    """The change of a field: of each of its members, if it has any."""
    old, new, name = _readable(field, before), _readable(field, after), field.public_name
    if isinstance(old, list) and isinstance(new, list) and set(old) != set(new):
        return [
            FieldChange(UserAction.GRANTED if each in new else UserAction.REMOVED, name, each)
            for each in sorted({*old} ^ {*new})
        ]
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            FieldChange(UserAction.CHANGED, name, key, old.get(key), new.get(key))
            for key in sorted(old.keys() | new.keys())
            if _text(old.get(key)) != _text(new.get(key))  # as JSON, where `true` is not 1
        ]
    return [FieldChange(UserAction.CHANGED, name, None, old, new)]


def _readable(field: UserField, user: User) -> Any:
    """The value of a field as it is recorded. None if it is malformed."""
    try:
        value = field.read(user)
    except MalformedData:
        return None
    if field.type is FieldType.DECISIONS:
        return {name: {"optedIn": opted_in, "decidedAt": at} for name, opted_in, at in value}
    return value


async def page_of_user(connection: Connection, user_id: str, request: PageRequest) -> Page[UserChange]:
    """A page of the changes of a user, newest first."""
    rows = await connection.fetch(_page(request.shape), of_user=user_id, **page_parameters(request))
    return page_of(rows_as(UserChange, rows), request)


@cache
def _page(shape: PageRequest) -> Statement:
    return Statement(keyset(select(user_changes).where(_OF_USER), user_changes.c.id, shape))


def as_json(change: UserChange) -> dict[str, Any]:
    """A change under the names of its GraphQL fields, for `strict_json.dumps`."""
    return {
        "id": change.id,
        "action": change.stored_action,
        "field": change.field,
        "member": change.member,
        "oldValue": change.old_value and orjson.Fragment(change.old_value),
        "newValue": change.new_value and orjson.Fragment(change.new_value),
        "actorId": change.actor_id,
        "source": change.source,
        "changedAt": rfc3339(change.changed_at),
    }
