"""The history of definitions: one row for each change, with the definition after it."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, null, select, update

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import definition_changes

_TEXTS = ("stored_rules", "stored_defaults", "stored_assignment", "stored_presentation")
"""The fields of a definition that are JSON texts."""


class DefinitionChange(NamedTuple):
    """A row of `definition_changes`."""

    platform_id: str
    number: int
    """Counts the changes of the platform."""
    key: str
    actor_id: str | None
    """Who made the change. None for the command line and imports, and for users who were erased."""
    changed_at: int
    stored_definition: str | None
    """The definition after the change, as JSON text; None where it was removed."""

    @property
    def definition(self) -> StoredDefinition | None:
        """The definition after the change; None where it was removed."""
        if self.stored_definition is None:
            return None
        fields: dict[str, Any] = orjson.loads(self.stored_definition)
        fields |= {name: strict_json.dumps(fields[name]) for name in _TEXTS}
        return StoredDefinition(platform_id=self.platform_id, key=self.key, **fields)


_changes = definition_changes.c
_INSERT = Statement(insert(definition_changes))
_LAST_NUMBER = Statement(
    select(func.coalesce(func.max(_changes.number), 0)).where(
        _changes.platform_id == bindparam("of_platform")
    )
)
_LAST_CHANGE = Statement(
    select(_changes.number, _changes.changed_at)
    .where(_changes.platform_id == bindparam("of_platform"))
    .order_by(_changes.number.desc())
    .limit(1)
)
_FORGET_ACTOR = Statement(
    update(definition_changes).where(_changes.actor_id == bindparam("erased")).values(actor_id=null())
)
_COLUMNS = [_changes[name] for name in ("platform_id", "number", "key", "actor_id", "changed_at")]
_CURSOR = re.compile(r"[1-9]\d{0,15}", re.ASCII)


async def record(
    transaction: Connection,
    access: PlatformAccess,
    key: str,
    definition: StoredDefinition | None,
    *,
    now: int,
) -> None:
    """Add a change to the history, with the definition after it. The platform is locked exclusively."""
    ((last,),) = await transaction.fetch(_LAST_NUMBER, of_platform=access.platform_id)
    await transaction.execute(
        _INSERT,
        platform_id=access.platform_id,
        number=last + 1,
        key=key,
        actor_id=access.actor_id,
        changed_at=now,
        definition=None if definition is None else _encode(definition),
    )


async def record_imported(transaction: Connection, definitions: Sequence[StoredDefinition]) -> None:
    """Add imported definitions to the history, as of when they last changed. Their platforms are locked
    exclusively."""
    last: dict[str, int] = {}
    for each in definitions:
        if each.platform_id not in last:
            ((last[each.platform_id],),) = await transaction.fetch(_LAST_NUMBER, of_platform=each.platform_id)
        last[each.platform_id] += 1
        await transaction.execute(
            _INSERT,
            platform_id=each.platform_id,
            number=last[each.platform_id],
            key=each.key,
            actor_id=None,
            changed_at=each.updated_at,
            definition=_encode(each),
        )


async def versions(connection: Connection, platform_ids: Sequence[str]) -> list[tuple[int, int]]:
    """Of each platform, what changes with every change of its definitions: their number, and the time of the
    last one, which tells apart what was restored from a backup."""
    found = []
    for platform_id in platform_ids:
        rows = await connection.fetch(_LAST_CHANGE, of_platform=platform_id)
        found.append((int(rows[0][0]), int(rows[0][1])) if rows else (0, 0))
    return found


async def forget_actor(transaction: Connection, user_id: str) -> None:
    """Remove a user who is erased from the history."""
    await transaction.execute(_FORGET_ACTOR, erased=user_id)


def check_page(request: PageRequest) -> PageRequest:
    """The cursors of this history are numbers. Raises BadUserInput for others."""
    for cursor in (request.after, request.before):
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            message = "The cursor is not one of this list. Use a cursor that `definitionHistory` returned."
            raise BadUserInput(message)
    return request


async def pages(
    connection: Connection, requests: Sequence[tuple[tuple[str, str | None], PageRequest]]
) -> list[Page[DefinitionChange]]:
    """Pages of the histories of platforms, or of one key of each, newest change first."""
    found = []
    for (platform_id, key), request in requests:
        statement = _page(request.shape, of_key=key is not None)
        rows = await connection.fetch(
            statement,
            of_platform=platform_id,
            of_key=key,
            after=int(request.after or 0),
            before=int(request.before or 0),
            size=request.size + 1,
        )
        found.append(page_of(rows_as(DefinitionChange, rows), request))
    return found


@cache
def _page(shape: PageRequest, *, of_key: bool) -> Statement:
    number = _changes.number
    statement = select(*_COLUMNS, _changes.definition).where(_changes.platform_id == bindparam("of_platform"))
    if of_key:
        statement = statement.where(_changes.key == bindparam("of_key"))
    if shape.after is not None:
        statement = statement.where(number < bindparam("after", type_=BigInteger))
    if shape.before is not None:
        statement = statement.where(number > bindparam("before", type_=BigInteger))
    order = number.asc() if shape.backwards else number.desc()
    return Statement(statement.order_by(order).limit(bindparam("size")), scans=True)


def _encode(definition: StoredDefinition) -> str:
    fields = definition._asdict()
    del fields["platform_id"], fields["key"]
    return strict_json.dumps(fields | {name: orjson.Fragment(fields[name]) for name in _TEXTS})
