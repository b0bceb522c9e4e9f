"""The import: lines are stored in batches, one transaction each, up to the first invalid line."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from gql_service.auth.access import Author
from gql_service.domain import tenants, tombstones
from gql_service.domain.definitions import rows as definition_rows
from gql_service.domain.definitions.path_index import index_paths
from gql_service.domain.documents import rows as documents
from gql_service.domain.search import index
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.tombstones import Tombstone
from gql_service.domain.users import badges, changes, identities, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.identities import Identity
from gql_service.domain.users.notifications import Notification
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.validation import Limits, WriteSettings
from gql_service.errors import BadUserInput, ServiceError
from gql_service.observability.security_log import EventKind, OnCommit, SecurityEvent
from gql_service.store.connection import Connection, Duplicate, LostRace
from gql_service.store.database import Database
from gql_service.transfer.conformance import check_conformance, encryption_key_ids
from gql_service.transfer.decoder import decode
from gql_service.transfer.existing import ExistingRecords, load_existing
from gql_service.transfer.record_fields import InvalidRecord
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record
from gql_service.transfer.user_records import UserRecord

_BATCH_LINES = 500
"""Other transactions can write between two batches."""
_BATCH_BYTES = 4 * 2**20
_CHUNK = 2**20
_AUTHOR = Author(None, "import")


class Summary(NamedTuple):
    """How many records were written, and how many were already stored."""

    written: int
    unchanged: int
    missing_keys: frozenset[str] = frozenset()
    """The ids of encryption keys that imported values need and that are not configured."""

    @property
    def read(self) -> int:
        return self.written + self.unchanged


class _Batch(NamedTuple):
    """Consecutive records, and the error of the line after them, if it is invalid."""

    first_line: int
    records: list[Record]
    error: InvalidRecord | None


class _Outcome(NamedTuple):
    """The result of a batch: how many records are stored, and the error of the next line, if any."""

    written: int
    unchanged: int
    error: InvalidRecord | None


async def import_lines(
    database: Database,
    source: BinaryIO,
    write_settings: WriteSettings,
    *,
    clock: Callable[[], int],
    from_line: int = 1,
    report: Callable[[int], None] = lambda _: None,
    on_commit: OnCommit | None = None,
) -> Summary:
    """Import lines, from the line with the number `from_line` on.

    After each stored batch, `on_commit` is called with its security events if anything was written, and
    `report` with its size in bytes. Raises BadUserInput with the number of
    the first line that is invalid or cannot be written; then the lines before it are stored and the others
    are not.
    """
    summary = Summary(0, 0)
    limits, keys = write_settings.limits, write_settings.keys
    for batch, size in _batches(_lines(source, from_line, limits), from_line, limits):
        try:
            outcome = await database.write(partial(_write, batch=batch, keys=keys, now=clock()), on_commit)
        except ServiceError as error:
            raise BadUserInput(f"{error.message} {_how_to_continue(batch.first_line, summary)}") from error
        key_ids = {
            id
            for record in batch.records
            if isinstance(record, DocumentRecord)
            for id in encryption_key_ids(record.document)
        }
        summary = Summary(
            summary.written + outcome.written,
            summary.unchanged + outcome.unchanged,
            summary.missing_keys | {id for id in key_ids if id not in keys},
        )
        if outcome.error is not None:
            line = batch.first_line + outcome.written + outcome.unchanged
            message = f"Line {line}: {outcome.error.message} {_how_to_continue(line, summary)}"
            raise BadUserInput(message)
        report(size)
    return summary


def _batches(
    lines: Iterator[bytes | InvalidRecord], first_line: int, limits: Limits
) -> Iterator[tuple[_Batch, int]]:
    """Batches and their sizes in bytes, up to the first invalid line."""
    records: list[Record] = []
    size = 0
    for line in lines:
        try:
            if isinstance(line, InvalidRecord):
                raise line
            records.append(decode(line, limits))
        except InvalidRecord as error:
            yield _Batch(first_line, records, error), size
            return
        size += len(line)
        if len(records) == _BATCH_LINES or size >= _BATCH_BYTES:
            yield _Batch(first_line, records, None), size
            first_line, records, size = first_line + len(records), [], 0
    if records:
        yield _Batch(first_line, records, None), size


def _lines(source: BinaryIO, from_line: int, limits: Limits) -> Iterator[bytes | InvalidRecord]:
    """The lines from this number on. Raises BadUserInput if there are fewer lines."""
    for skipped in range(from_line - 1):
        if not _skip_line(source):
            raise BadUserInput(f"There is no line {from_line}: the number of lines is {skipped}.")
    longest = 2**24 + 6 * limits.max_metadata_size  # a character may be written as \uXXXX
    while line := source.readline(longest + 1):
        yield line if len(line) <= longest else InvalidRecord(f"The line is longer than {longest} bytes.")


def _skip_line(source: BinaryIO) -> bool:
    """Read a line without keeping it; returns whether there was one."""
    chunk = source.readline(_CHUNK)
    found = bool(chunk)
    while chunk and not chunk.endswith(b"\n"):
        chunk = source.readline(_CHUNK)
    return found


async def _write(transaction: Connection, batch: _Batch, keys: KeyRing, now: int) -> _Outcome:
    """Store the new records, up to the first one that cannot be stored."""
    existing = await load_existing(transaction, batch.records)
    new: list[Record] = []
    index_rows: list[index.IndexedEntry] = []
    unchanged, error = 0, batch.error
    for record in batch.records:
        try:
            is_new = existing.is_new(record)
            if is_new and isinstance(record, DocumentRecord):
                document = existing.document_row(record)
                index_rows += check_conformance(document, *existing.tenant_and_definitions(record), keys)
        except InvalidRecord as invalid:
            error = invalid
            break
        if is_new:
            existing.add(record)
            new.append(record)
        else:
            unchanged += 1
    try:
        await _insert(transaction, new, existing, now)
        await index.insert_rows(transaction, index_rows)
        await _index_paths(transaction, new, existing)
    except Duplicate as duplicate:
        raise LostRace from duplicate  # another transaction has added the record in the meantime
    if new:
        transaction.security_events.append(SecurityEvent(EventKind.DATA_IMPORTED, number=len(new)))
    return _Outcome(len(new), unchanged, error)


async def _insert(
    transaction: Connection, new: Sequence[Record], existing: ExistingRecords, now: int
) -> None:
    user_records = [record for record in new if isinstance(record, UserRecord)]
    await tenants.insert_tenants(transaction, [record for record in new if isinstance(record, Tenant)])
    await tenants.insert_platforms(transaction, [record for record in new if isinstance(record, Platform)])
    new_users = [record.user for record in user_records]
    await users.insert_users(transaction, new_users)
    await changes.record_new(transaction, new_users, _AUTHOR, now)
    await badges.insert_badges(transaction, [badge for record in user_records for badge in record.badges])
    await identities.insert_identities(
        transaction, [record for record in new if isinstance(record, Identity)]
    )
    await notifications.insert_notifications(
        transaction, [record for record in new if isinstance(record, Notification)]
    )
    await documents.insert_documents(
        transaction, [existing.document_row(record) for record in new if isinstance(record, DocumentRecord)]
    )
    await definition_rows.insert_definitions(
        transaction,
        [existing.definition_row(record) for record in new if isinstance(record, DefinitionRecord)],
    )
    await tombstones.insert_tombstones(
        transaction, [record for record in new if isinstance(record, Tombstone)]
    )


async def _index_paths(transaction: Connection, new: Sequence[Record], existing: ExistingRecords) -> None:
    """Index the paths that new definitions declare. Documents may have come before their definitions."""
    rows = [existing.definition_row(record) for record in new if isinstance(record, DefinitionRecord)]
    for row in rows:
        if paths := row.definition.indexed_paths:
            await index_paths(transaction, row.platform_id, row.key, paths, seconds=None)


def _how_to_continue(line: int, summary: Summary) -> str:
    return (
        f"All lines before line {line} are stored ({summary.written} written, {summary.unchanged} already "
        "stored). Fix the file and import it again: records that are already stored are skipped."
    )
