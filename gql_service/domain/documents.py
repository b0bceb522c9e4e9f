"""The metadata documents: read by key, and written in one way only.

A write locks the row, checks the precondition against it, computes the new content, and stores it with the
next revision; a write that changes nothing stores nothing. It needs the proof that `auth.policy` hands out.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service import strict_json
from gql_service.auth.policy import DocumentAccess
from gql_service.domain.values import Limits, check_delete_keys, check_document, check_metadata
from gql_service.errors import Problem, Rejected, RevisionConflict
from gql_service.store.database import LostRace
from gql_service.store.tables import documents

Metadata = dict[str, Any]
Precondition = Callable[[int], bool]
"""Whether a write may proceed on a document at this revision (0: never written)."""


class Document(NamedTuple):
    """A row of `documents`; one that was never written is empty, at revision 0, without instants."""

    user_id: str
    platform_id: str
    metadata: str
    revision: int
    created_at: int | None
    updated_at: int | None


class Written(NamedTuple):
    """The document after a write, and the keys that were asked to go and are gone."""

    document: Document
    deleted_keys: list[str]


def any_revision(_revision: int) -> bool:
    """The precondition of a caller who has none."""
    return True


def exactly_revision(expected: int) -> Precondition:
    """The precondition of a caller who has seen one revision."""
    return lambda revision: revision == expected


async def by_keys(connection: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Document]:
    """One document per (user id, platform id)."""
    statement = select(documents).where(tuple_(documents.c.user_id, documents.c.platform_id).in_(keys))
    found = {(row.user_id, row.platform_id): Document(*row) for row in await connection.execute(statement)}
    return [found.get(key) or _absent(*key) for key in keys]


async def patch(
    transaction: AsyncConnection,
    access: DocumentAccess,
    *,
    metadata: object,
    delete_keys: object,
    precondition: Precondition = any_revision,
    limits: Limits,
    now: int,
) -> Written:
    """Delete keys, then set keys; None stands for an input that was not supplied.

    Raises Rejected, and RevisionConflict where the precondition fails.
    """
    if metadata is None and delete_keys is None:
        raise Rejected(
            Problem.METADATA_REQUIRED,
            "Provide 'metadata' to update or 'delete_keys' to remove keys.",
            (),
        )
    setting = check_metadata({} if metadata is None else metadata, limits)
    deleting = set(check_delete_keys([] if delete_keys is None else delete_keys))

    def change(current: Metadata) -> Metadata:
        return {key: value for key, value in current.items() if key not in deleting} | setting

    return await _write(transaction, access, change, deleting, precondition, limits, now)


async def replace(
    transaction: AsyncConnection,
    access: DocumentAccess,
    *,
    metadata: object,
    precondition: Precondition = any_revision,
    limits: Limits,
    now: int,
) -> Written:
    """Set exactly the given keys. Raises Rejected, and RevisionConflict where the precondition fails."""
    setting = check_metadata(metadata, limits)
    return await _write(transaction, access, lambda _: setting, set(), precondition, limits, now)


async def clear(
    transaction: AsyncConnection,
    access: DocumentAccess,
    *,
    precondition: Precondition = any_revision,
    limits: Limits,
    now: int,
) -> Written:
    """Remove everything but the revision. Raises RevisionConflict where the precondition fails."""
    return await _write(transaction, access, lambda _: {}, set(), precondition, limits, now)


async def _write(
    transaction: AsyncConnection,
    access: DocumentAccess,
    change: Callable[[Metadata], Metadata],
    deleting: set[str],
    precondition: Precondition,
    limits: Limits,
    now: int,
) -> Written:
    current = await _lock(transaction, access)
    if not precondition(current.revision):
        raise RevisionConflict(current.revision)
    before: Metadata = orjson.loads(current.metadata)
    after = change(before)
    deleted = sorted(key for key in deleting if key in before and key not in after)
    text = strict_json.dumps(after)
    if text == current.metadata:
        return Written(current, deleted)
    check_document(after, text, limits)
    document = current._replace(
        metadata=text,
        revision=current.revision + 1,
        created_at=current.created_at or now,
        updated_at=now,
    )
    await _store(transaction, document)
    return Written(document, deleted)


async def _lock(transaction: AsyncConnection, access: DocumentAccess) -> Document:
    """Read the row and keep others from writing it. On SQLite the whole transaction already does."""
    statement = select(documents).where(_is(access.user_id, access.platform_id)).with_for_update()
    row = (await transaction.execute(statement)).one_or_none()
    return _absent(access.user_id, access.platform_id) if row is None else Document(*row)


async def _store(transaction: AsyncConnection, document: Document) -> None:
    if document.revision > 1:
        await transaction.execute(
            update(documents)
            .where(_is(document.user_id, document.platform_id))
            .values(metadata=document.metadata, revision=document.revision, updated_at=document.updated_at)
        )
        return
    try:
        await transaction.execute(insert(documents).values(document._asdict()))
    except IntegrityError as error:
        # A row that does not exist cannot be locked, so another transaction may have created it.
        raise LostRace from error


def _is(user_id: str, platform_id: str) -> Any:
    return (documents.c.user_id == user_id) & (documents.c.platform_id == platform_id)


def _absent(user_id: str, platform_id: str) -> Document:
    return Document(user_id, platform_id, "{}", 0, None, None)
