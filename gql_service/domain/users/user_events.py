"""The events of users: see `domain.events`. They belong to the home tenant of the user."""

from collections.abc import Iterable

from sqlalchemy import Text, bindparam, select

from gql_service.domain.events.events import OF_TENANT, Event, EventType, record
from gql_service.domain.users.rows import User
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import users

_HOME = Statement(select(users.c.tenant_id).where(users.c.id == bindparam("user_id", type_=Text)))


async def record_changes(
    transaction: Connection,
    user_id: str,
    actor_id: str | None,
    now: int,
    changed: Iterable[tuple[EventType, str | None]],
) -> None:
    """Record what the transaction has changed of a user: types of events with the names of the fields."""
    fields: dict[EventType, set[str]] = {}
    for type_, field in changed:
        fields.setdefault(type_, set()).update([] if field is None else [field])
    if not fields:
        return
    ((tenant_id,),) = await transaction.fetch(_HOME, user_id=user_id)
    await record(
        transaction,
        [
            Event(
                type_, tenant_id, OF_TENANT, user_id, actor_id, now, changed_keys=tuple(sorted(fields[type_]))
            )
            for type_ in fields
        ],
    )


async def record_creations(
    transaction: Connection, created: Iterable[User], actor_id: str | None, now: int
) -> None:
    """Record that the transaction has created users."""
    await record(
        transaction,
        [
            Event(EventType.USER_CREATED, user.tenant_id, OF_TENANT, user.user_id, actor_id, now)
            for user in created
        ],
    )
