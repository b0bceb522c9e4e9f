"""Writing lines: a few hundred in one transaction, each wholly or not at all, up to the first broken one."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from gql_service.domain import tenants
from gql_service.domain.definitions import rows as stored_definitions
from gql_service.domain.documents import rows as documents
from gql_service.domain.search import index
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.users import badges, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.notifications import Notification
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.validation import Limits, WriteSettings
from gql_service.errors import BadUserInput, ServiceError
from gql_service.store.connection import Connection, Duplicate, LostRace
from gql_service.store.database import Database
from gql_service.transfer.conformance import admit, key_ids
from gql_service.transfer.decoder import decode
from gql_service.transfer.existing import ExistingRecords, known_of
from gql_service.transfer.record_fields import InvalidRecord
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record
from gql_service.transfer.user_records import UserRecord

_BATCH = 500
"""Lines of one transaction; others write between two of them."""
_BATCH_SIZE = 4 * 2**20
_CHUNK = 2**20


class Summary(NamedTuple):
    """What came of the lines that were read."""

    written: int
    unchanged: int
    lacking: frozenset[str] = frozenset()
    """The ids of keys that values are encrypted with, and that the ring does not have."""

    @property
    def read(self) -> int:
        return self.written + self.unchanged


class _Batch(NamedTuple):
    """Lines that follow each other, and what is wrong with the one after them, where something is."""

    first: int
    entries: list[Record]
    broken: InvalidRecord | None


class _Outcome(NamedTuple):
    """What became of a batch: the entries up to one that could not be written, and why it could not."""

    written: int
    unchanged: int
    broken: InvalidRecord | None


async def load(
    database: Database,
    source: BinaryIO,
    rules: WriteSettings,
    *,
    from_line: int = 1,
    report: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Import lines. `report` is told how many bytes were read, whenever what they say is stored.

    Raises BadUserInput, naming the line, where one is broken or could not be written; then those before it
    are stored, and nothing of it and of those after it.
    """
    summary = Summary(0, 0)
    limits, keys = rules
    for batch, size in _batches(_lines(source, from_line, limits), from_line, limits):
        try:
            outcome = await database.write(partial(_write, batch=batch, keys=keys))
        except ServiceError as error:
            raise BadUserInput(f"{error.message} {_so_far(batch.first, summary)}") from error
        needed = {
            id for each in batch.entries if isinstance(each, DocumentRecord) for id in key_ids(each.document)
        }
        summary = Summary(
            summary.written + outcome.written,
            summary.unchanged + outcome.unchanged,
            summary.lacking | {id for id in needed if id not in keys},
        )
        if outcome.broken is not None:
            number = batch.first + outcome.written + outcome.unchanged
            message = f"Line {number}: {outcome.broken.message} {_so_far(number, summary)}"
            raise BadUserInput(message)
        report(size)
    return summary


def _batches(
    lines: Iterator[bytes | InvalidRecord], number: int, limits: Limits
) -> Iterator[tuple[_Batch, int]]:
    """Batches with the bytes they take, up to the first broken line."""
    entries: list[Record] = []
    size = 0
    for line in lines:
        try:
            if isinstance(line, InvalidRecord):
                raise line
            entries.append(decode(line, limits))
        except InvalidRecord as broken:
            yield _Batch(number, entries, broken), size
            return
        size += len(line)
        if len(entries) == _BATCH or size >= _BATCH_SIZE:
            yield _Batch(number, entries, None), size
            number, entries, size = number + len(entries), [], 0
    if entries:
        yield _Batch(number, entries, None), size


def _lines(source: BinaryIO, from_line: int, limits: Limits) -> Iterator[bytes | InvalidRecord]:
    """The lines from this one on. Raises BadUserInput where there are not as many."""
    for passed in range(from_line - 1):
        if not _skip_line(source):
            raise BadUserInput(f"There is no line {from_line}: there are {passed}.")
    longest = 2**24 + 6 * limits.max_metadata_size  # a character may be written as \uXXXX
    while line := source.readline(longest + 1):
        yield line if len(line) <= longest else InvalidRecord(f"The line is longer than {longest} bytes.")


def _skip_line(source: BinaryIO) -> bool:
    """Whether there was one."""
    chunk = source.readline(_CHUNK)
    found = bool(chunk)
    while chunk and not chunk.endswith(b"\n"):
        chunk = source.readline(_CHUNK)
    return found


async def _write(transaction: Connection, batch: _Batch, keys: KeyRing) -> _Outcome:
    """Store what is new, up to the first entry that cannot be."""
    known = await known_of(transaction, batch.entries)
    new: list[Record] = []
    found: list[index.IndexRow] = []
    unchanged, broken = 0, batch.broken
    for entry in batch.entries:
        try:
            lacking = known.lacks(entry)
            if lacking and isinstance(entry, DocumentRecord):
                found += admit(known.located(entry), *known.governing(entry), keys)
        except InvalidRecord as error:
            broken = error
            break
        if lacking:
            known.add(entry)
            new.append(entry)
        else:
            unchanged += 1
    try:
        await _insert(transaction, new, known)
        await index.insert_rows(transaction, found)
    except Duplicate as error:
        raise LostRace from error  # another transaction has added it meanwhile
    return _Outcome(len(new), unchanged, broken)


async def _insert(transaction: Connection, new: Sequence[Record], known: ExistingRecords) -> None:
    people = [entry for entry in new if isinstance(entry, UserRecord)]
    await tenants.insert_tenants(transaction, [entry for entry in new if isinstance(entry, Tenant)])
    await tenants.insert_platforms(transaction, [entry for entry in new if isinstance(entry, Platform)])
    await users.insert_users(transaction, [person.user for person in people])
    await badges.insert_badges(transaction, [badge for person in people for badge in person.badges])
    await notifications.insert_notifications(
        transaction, [entry for entry in new if isinstance(entry, Notification)]
    )
    await documents.insert_documents(
        transaction, [known.located(entry) for entry in new if isinstance(entry, DocumentRecord)]
    )
    await stored_definitions.insert_definitions(
        transaction, [known.defined(entry) for entry in new if isinstance(entry, DefinitionRecord)]
    )


def _so_far(number: int, summary: Summary) -> str:
    return (
        f"What comes before line {number} is stored ({summary.written} written, {summary.unchanged} there "
        "already); import the mended file to go on: what is there is passed over."
    )
