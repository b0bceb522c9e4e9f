"""What decides the flags of users on a platform, as versions: one statement, whatever the flags are."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, bindparam, func, or_, select

from gql_service.auth.access import USER_WIDE
from gql_service.domain.tenants import Platform
from gql_service.store.connection import Connection, Row
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import definition_changes, documents, platforms

DefinitionVersion = tuple[int, int]
"""See `domain.definitions.history.versions`."""
DocumentVersion = tuple[int, int | None]
"""The revision and the time of the last change, which tells apart what was restored from a backup."""
_NEVER_WRITTEN: DocumentVersion = (0, None)

_changes = definition_changes.alias("last_changes")
_last_number = (
    select(func.max(definition_changes.c.number))
    .where(definition_changes.c.platform_id == platforms.c.id)
    .scalar_subquery()
)
_STATE = Statement(
    select(
        *(platforms.c[name] for name in Platform._fields),
        _changes.c.number,
        _changes.c.changed_at,
        documents.c.user_id,
        documents.c.platform_id,
        documents.c.revision,
        documents.c.updated_at,
    )
    .select_from(
        platforms.outerjoin(
            _changes, and_(_changes.c.platform_id == platforms.c.id, _changes.c.number == _last_number)
        ).outerjoin(
            documents,
            and_(
                any_of(documents.c.user_id, "user_ids"),
                or_(documents.c.platform_id == platforms.c.id, documents.c.platform_id == USER_WIDE),
            ),
        )
    )
    .where(platforms.c.key == bindparam("platform_key"))
)
_DOCUMENT = len(Platform._fields) + 2
"""Where the columns of the document begin."""


class FlagState(NamedTuple):
    """A platform, and what its flags depend on for one user, apart from time. Equal versions, equal flags."""

    platform: Platform
    definitions: DefinitionVersion
    document: DocumentVersion
    user_wide: DocumentVersion


async def of_users(
    connection: Connection, user_ids: Sequence[str], platform_key: str
) -> list[FlagState | None]:
    """The state for each user, who need not exist; None if the platform does not exist."""
    rows = await connection.fetch(_STATE, platform_key=platform_key, user_ids=set(user_ids))
    if not rows:
        return [None] * len(user_ids)
    platform = Platform(*rows[0][: _DOCUMENT - 2])
    number, changed_at = rows[0][_DOCUMENT - 2 : _DOCUMENT]
    definitions = (0, 0) if number is None else (int(number), int(changed_at))
    versions = {key: version for key, version in map(_document_version, rows) if key[0] is not None}
    get = versions.get
    return [
        FlagState(
            platform,
            definitions,
            get((id, platform.id), _NEVER_WRITTEN),
            get((id, USER_WIDE), _NEVER_WRITTEN),
        )
        for id in user_ids
    ]


def _document_version(row: Row) -> tuple[tuple[str | None, str | None], DocumentVersion]:
    user_id, platform_id, revision, updated_at = row[_DOCUMENT:]
    return (user_id, platform_id), (revision, updated_at)
