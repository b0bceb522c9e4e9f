"""The metadata documents: read by key, and written in one way only.

A write locks the row, checks the precondition against it, computes the new content, and stores it with the
next revision; a write that changes nothing stores nothing. It needs the proof that `auth.policy` hands out.
Writes of several documents, or several writes of one, share a transaction.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, bindparam, insert, select, tuple_, update

from gql_service import strict_json
from gql_service.auth.policy import DocumentAccess
from gql_service.domain.values import Limits, check_delete_keys, check_document, check_metadata
from gql_service.errors import Problem, Rejected, RevisionConflict
from gql_service.store.connection import Connection, Duplicate, LostRace, rows_as
from gql_service.store.statement import Statement, among, bytewise
from gql_service.store.tables import documents

Metadata = dict[str, Any]
Precondition = Callable[[int], bool]
"""Whether a write may proceed on a document at this revision (0: never written)."""


# Both lists narrow the primary key; a pair that nobody asked for is left aside below.
_ANY_OF = select(documents).where(
    among(documents.c.user_id, "user_ids"), among(documents.c.platform_id, "platform_ids")
)
_BY_KEYS = Statement(_ANY_OF)
# All who lock several rows lock them in the same order, so that no two wait for each other.
_LOCK = Statement(_ANY_OF.order_by(documents.c.user_id, documents.c.platform_id).with_for_update())
_INSERT = Statement(insert(documents))
_UPDATE = Statement(
    update(documents)
    .where(documents.c.user_id == bindparam("of_user"), documents.c.platform_id == bindparam("of_platform"))
    .values(
        metadata=bindparam("metadata"), revision=bindparam("revision"), updated_at=bindparam("updated_at")
    )
)


class Document(NamedTuple):
    """A row of `documents`; one that was never written is empty, at revision 0, without instants."""

    user_id: str
    platform_id: str
    metadata: str
    revision: int
    created_at: int | None
    updated_at: int | None


class OpenDocument(NamedTuple):
    """A document that the caller may have, with whose it is: the subject of the rules, too."""

    user_id: str
    username: str
    tenant_id: str
    platform_key: str | None
    metadata: str
    revision: int
    created_at: int | None
    updated_at: int | None

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @staticmethod
    def of(access: DocumentAccess, document: Document) -> "OpenDocument":
        """What was read with what allows to."""
        _, user_id, username, tenant_id, _, platform_key, _ = access
        return OpenDocument(user_id, username, tenant_id, platform_key, *document[2:])


class Change(NamedTuple):
    """What a write is to do: checked before the database is asked, applied when its row is locked."""

    apply: Callable[[Metadata], Metadata]
    deleting: Set[str]


class Write(NamedTuple):
    """A change of one document, with the proof that the caller may make it."""

    access: DocumentAccess
    change: Change
    precondition: Precondition


class Written(NamedTuple):
    """The document after a write, and the keys that were asked to go and are gone."""

    document: OpenDocument
    deleted_keys: list[str]


def any_revision(_revision: int) -> bool:
    """The precondition of a caller who has none."""
    return True


def exactly_revision(expected: int) -> Precondition:
    """The precondition of a caller who has seen one revision."""
    return lambda revision: revision == expected


async def by_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Document]:
    """One document per (user id, platform id)."""
    users, platforms = {user for user, _ in keys}, {platform for _, platform in keys}
    rows = rows_as(Document, await connection.fetch(_BY_KEYS, user_ids=users, platform_ids=platforms))
    found = {document[:2]: document for document in rows}
    return [found.get(key) or _absent(*key) for key in keys]


def patching(metadata: object, delete_keys: object, limits: Limits) -> Change:
    """Delete keys, then set keys; None stands for an input that was not supplied. Raises Rejected."""
    if metadata is None and delete_keys is None:
        raise Rejected(
            Problem.METADATA_REQUIRED,
            "Provide 'metadata' to update or 'delete_keys' to remove keys.",
            (),
        )
    setting = check_metadata({} if metadata is None else metadata, limits)
    deleting = set(check_delete_keys([] if delete_keys is None else delete_keys))
    return Change(
        lambda current: {key: current[key] for key in current if key not in deleting} | setting, deleting
    )


def replacing(metadata: object, limits: Limits) -> Change:
    """Set exactly the given keys. Raises Rejected."""
    setting = check_metadata(metadata, limits)
    return Change(lambda _: setting, frozenset())


CLEARING = Change(lambda _: {}, frozenset())
"""Remove everything but the revision."""


async def write(transaction: Connection, one: Write, *, limits: Limits, now: int) -> Written:
    """Write one document. Raises Rejected."""
    (result,) = await write_all(transaction, [one], limits=limits, now=now)
    if isinstance(result, Exception):
        raise result
    return result


async def write_all(
    transaction: Connection, writes: Sequence[Write], *, limits: Limits, now: int
) -> list[Written | Exception]:
    """The one way documents are written. Each write stands or falls alone; of one document, they follow
    each other. What is refused is answered with Rejected, or RevisionConflict where a precondition fails."""
    before = await _lock(transaction, {write.access.key for write in writes})
    after = dict(before)
    results: list[Written | Exception] = []
    for write in writes:
        try:
            document, deleted = _apply(write, after[write.access.key], limits, now)
        except Exception as refusal:
            results.append(refusal)
            continue
        after[write.access.key] = document
        results.append(Written(OpenDocument.of(write.access, document), deleted))
    await _store(transaction, [after[key] for key in sorted(after) if after[key] is not before[key]], before)
    return results


def _apply(write: Write, current: Document, limits: Limits, now: int) -> tuple[Document, list[str]]:
    """The document after a write, and which keys went; the same document, where nothing changes."""
    access, change, precondition = write
    access.verify()
    if not precondition(current.revision):
        raise RevisionConflict(current.revision)
    before: Metadata = orjson.loads(current.metadata)
    after = change.apply(before)
    deleted = sorted(key for key in change.deleting if key in before and key not in after)
    text = strict_json.dumps(after)
    if text == current.metadata:
        return current, deleted
    check_document(after, text, limits)
    changed = current._replace(
        metadata=text,
        revision=current.revision + 1,
        created_at=current.created_at or now,
        updated_at=now,
    )
    return changed, deleted


async def _lock(transaction: Connection, keys: Set[tuple[str, str]]) -> dict[tuple[str, str], Document]:
    """Read the rows and keep others from writing them. On SQLite the whole transaction already does."""
    users, platforms = {user for user, _ in keys}, {platform for _, platform in keys}
    rows = rows_as(Document, await transaction.fetch(_LOCK, user_ids=users, platform_ids=platforms))
    found = {document[:2]: document for document in rows}
    return {key: found.get(key) or _absent(*key) for key in keys}


async def _store(
    transaction: Connection, changed: Sequence[Document], before: Mapping[tuple[str, str], Document]
) -> None:
    new = [document for document in changed if before[document[:2]].revision == 0]
    try:
        await transaction.execute_many(_INSERT, [document._asdict() for document in new])
    except Duplicate as error:
        # A row that does not exist cannot be locked, so another transaction may have created it.
        raise LostRace from error
    updates = [
        {
            "of_user": document.user_id,
            "of_platform": document.platform_id,
            "metadata": document.metadata,
            "revision": document.revision,
            "updated_at": document.updated_at,
        }
        for document in changed
        if before[document[:2]].revision > 0
    ]
    await transaction.execute_many(_UPDATE, updates)


def _absent(user_id: str, platform_id: str) -> Document:
    return Document(user_id, platform_id, "{}", 0, None, None)


_IN_ORDER = bytewise(documents.c.user_id), bytewise(documents.c.platform_id)
_OF_USERS = Statement(
    select(documents)
    .where(
        among(documents.c.user_id, "user_ids"),
        tuple_(*_IN_ORDER)
        > tuple_(bindparam("after_user", type_=Text), bindparam("after_platform", type_=Text)),
    )
    .order_by(*_IN_ORDER)
    .limit(bindparam("size"))
)


async def of_users(
    connection: Connection, user_ids: Sequence[str], after: tuple[str, str], size: int
) -> list[Document]:
    """The next documents of these users in the order of (user id, platform id); ("", "") comes before all."""
    user, platform = after
    rows = await connection.fetch(
        _OF_USERS, user_ids=user_ids, after_user=user, after_platform=platform, size=size
    )
    return rows_as(Document, rows)


async def insert_documents(transaction: Connection, rows: Sequence[Document]) -> None:
    """Store documents that were checked and are not there, with their revisions. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
