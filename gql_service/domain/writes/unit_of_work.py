"""The one way documents are written.

A write locks the row, checks the preconditions, lets a `Draft` compute the new content, and stores it with
the next revision, its history and its index. A write that changes nothing stores nothing. Every write needs a
proof of access that `auth.policy` made. Writes of several documents, or several writes of one, can share a
transaction.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Any, NamedTuple

from gql_service.auth.access import DocumentAccess
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.definitions import NO_DEFINITIONS, PlatformDefinitions
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import MAX_SLICED_READS, Content, Entry
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.events import events
from gql_service.domain.history import changes as history
from gql_service.domain.history.point_in_time import Past, to_revision
from gql_service.domain.retention import Retention
from gql_service.domain.search import index
from gql_service.domain.values.encryption import CipherContext, Undecipherable
from gql_service.domain.values.refusals import undecipherable_value
from gql_service.domain.values.validation import Limits, WriteSettings, check_document
from gql_service.domain.writes.budget import UNLIMITED, WriteBudget, write_cost
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.digest_preconditions import NO_DIGESTS, ExpectedDigests, unmet_keys
from gql_service.domain.writes.document_events import change_event, without_keys
from gql_service.domain.writes.draft import Draft
from gql_service.domain.writes.idempotency import IdempotencyKey, StoredAnswers, WriteResult
from gql_service.errors import Locked, NotFound, Problem, Rejected, RevisionConflict
from gql_service.quoting import quoted
from gql_service.store.connection import Connection

_COST_PER_TURN = 1024 * 1024
"""After a write that costs more, other requests get their turn."""

Precondition = Callable[[int], bool]
"""Whether a write may proceed on a document at this revision (0: never written)."""
ChangedEntries = Mapping[str, tuple[Entry | None, Entry | None]]
"""Each changed key with its entry before and after."""


class Write(NamedTuple):
    """A change of one document, with the proof that the caller may make it."""

    access: DocumentAccess
    change: Change
    precondition: Precondition
    source: str = "graphql"
    """Where the write came from: `graphql`, `rest`, `import` and others. The history shows it."""
    idempotency_key: IdempotencyKey | None = None
    expected: ExpectedDigests = NO_DIGESTS
    """What keys must hold before the write, besides the precondition."""
    budget: WriteBudget = UNLIMITED
    """What the writes of a request may cost together."""


class Conflict(RevisionConflict):
    """A precondition failed. `keys` are the keys that the write named."""

    def __init__(self, document: MetadataDocument, keys: Sequence[str]) -> None:
        super().__init__(document.revision)
        self.document = document
        self.keys = keys


class DigestConflict(Conflict):
    """These keys do not hold what the caller expected."""

    def __init__(self, document: MetadataDocument, keys: Sequence[str]) -> None:
        super().__init__(document, keys)
        names = ", ".join(map(quoted, keys[:5])) + (" and others" if len(keys) > 5 else "")
        self.problem = Problem.DIGEST_CONFLICT
        self.message = (
            f"The stored value of {names} is not the expected one. Read it again, merge, and retry."
        )
        self.field = ("expected_digests",)


def any_revision(_revision: int) -> bool:
    """The precondition of a caller who has none."""
    return True


def exactly_revision(expected: int) -> Precondition:
    """The precondition of a caller who has seen one revision."""
    return lambda revision: revision == expected


async def write(
    transaction: Connection, one: Write, *, write_settings: WriteSettings, now: int
) -> WriteResult:
    """Write one document. Raises Rejected."""
    (result,) = await write_all(transaction, [one], write_settings=write_settings, now=now)
    if isinstance(result, Exception):
        raise result
    return result


async def write_all(
    transaction: Connection,
    writes: Sequence[Write],
    *,
    write_settings: WriteSettings,
    now: int,
    dry_run: bool = False,
    all_or_none: bool = False,
    wait: bool = True,
) -> list[WriteResult | Exception]:
    """Do writes in order; each succeeds or fails by itself.

    The result of a refused write is Rejected, or Conflict if a precondition failed. A dry run stores nothing.
    With `all_or_none`, nothing is stored if one write is refused. Without `wait`, the result of writes whose
    locks are not free is Locked. Raises NotFound if one of the users does not exist any more.
    """
    platforms, before = await _lock(transaction, writes, wait=wait)
    unit = UnitOfWork(before, platforms, write_settings, now)
    await unit.answers.read(
        transaction, {(each.access, each.idempotency_key) for each in writes if each.idempotency_key}
    )
    results: list[WriteResult | Exception] = []
    for write in writes:
        document = before.get(write.access.key)
        if document is None:
            results.append(Locked())
        elif write.access.platform_key is not None and write.access.platform_id not in platforms:
            results.append(NotFound("Platform not found"))  # it has just been deleted
        else:
            results.append(await _attempt(unit, transaction, write, document.size))
    is_refused = all_or_none and any(isinstance(result, Exception) for result in results)
    if not dry_run and not is_refused:
        await unit.store(transaction)
    return results


async def _lock(
    transaction: Connection, writes: Sequence[Write], *, wait: bool
) -> tuple[Mapping[str, PlatformDefinitions], Mapping[DocumentKey, MetadataDocument]]:
    """The definitions and the documents that the writes need, locked. Without `wait`, those that are free."""
    platform_ids = {write.access.platform_id for write in writes if write.access.platform_key is not None}
    locked: Set[str] = platform_ids
    if wait:
        await transaction.lock(platform_ids, exclusive=False)
    else:
        locked = await transaction.lock_free(platform_ids)
    platforms = await definitions.of_platforms(transaction, locked)
    keys = {
        write.access.key
        for write in writes
        if write.access.platform_key is None or write.access.platform_id in locked
    }
    before = await (documents.lock if wait else documents.lock_free)(transaction, keys)
    return platforms, before


async def _attempt(
    unit: "UnitOfWork", transaction: Connection, write: Write, document_size: int
) -> WriteResult | Exception:
    """Do a write, or return why it is refused."""
    try:
        past = await _stored_past(transaction, write)
        cost = write_cost(document_size, len(write.change.keys) + (len(past.recorded) if past else 0))
        write.budget.spend(cost)
    except Rejected as refusal:
        return refusal
    result = unit.attempt(write, past)
    if cost > _COST_PER_TURN:
        await asyncio.sleep(0)
    return result


async def _stored_past(transaction: Connection, write: Write) -> Past | None:
    """The stored past that a write restores, if it restores one. Raises Rejected."""
    revision = write.change.restores
    if revision is None:
        return None
    return await to_revision(transaction, write.access.key, revision, write.budget.spend)


def _answers_before(
    platforms: Mapping[str, PlatformDefinitions], write_settings: WriteSettings, now: int, platform_id: str
) -> int:
    """Answers about documents of a platform up to this instant are not used any more."""
    own = platforms.get(platform_id, NO_DEFINITIONS).idempotency_max_age
    return write_settings.retention.shortened(Retention(idempotency_max_age=own)).answers_before(now)


class UnitOfWork:
    """The documents of one transaction, and everything to be stored at its end."""

    def __init__(
        self,
        before: Mapping[DocumentKey, MetadataDocument],
        platforms: Mapping[str, PlatformDefinitions],
        write_settings: WriteSettings,
        now: int,
    ) -> None:
        # A method of this object would make a cycle, and keep all documents until the garbage is collected.
        self.answers = StoredAnswers(now, partial(_answers_before, platforms, write_settings, now))
        self._before = before
        self._after = dict(before)
        self._platforms = platforms
        self._write_settings = write_settings
        self._now = now
        self._index = index.Updates()
        self._history: list[history.ChangeRow] = []
        self._events: list[events.Event] = []
        self._purged: dict[DocumentKey, set[str]] = {}
        """Documents whose history is purged, with the keys to keep in it."""
        self._concealed: dict[DocumentKey, set[str]] = {}
        """Keys whose values leave the history, because they are encrypted from now on."""

    def attempt(self, write: Write, past: Past | None) -> WriteResult | Exception:
        """Do a write, or return why it is refused. `past` is the stored past that a restore asked for."""
        access, key = write.access, write.idempotency_key
        try:
            access.verify()
            if key and (replayed := self.answers.find(access, key, self._after[access.key])):
                return replayed
            result = self._write(write, past)
        except Exception as refusal:
            return refusal
        if key:
            self.answers.keep(access, key, result)
        return result

    async def store(self, transaction: Connection) -> None:
        """Store what has changed. Raises LostRace."""
        changed = [
            self._after[key] for key in sorted(self._after) if self._after[key] is not self._before[key]
        ]
        await documents.store(transaction, changed, self._before)
        for document, keep in self._purged.items():
            await history.forget(transaction, document, keep)
            await events.conceal(transaction, *document, keep)
        for document, keys in self._concealed.items():
            await history.conceal(transaction, document, keys)
        await history.record(transaction, self._history)
        await events.record(transaction, self._events)
        await self._index.store(transaction)
        await self.answers.store(transaction)

    def _write(self, write: Write, past: Past | None) -> WriteResult:
        access, change = write.access, write.change
        current = self._after[access.key]
        if not write.precondition(current.revision):
            raise Conflict(current, sorted(change.keys | write.expected.keys()))
        content = current.content(reads_many=len(change.keys) > MAX_SLICED_READS)
        platform = self._platforms.get(access.platform_id, NO_DEFINITIONS)
        written_at = max(self._now, current.updated_at or 0)
        draft = Draft(access, content, self._write_settings, platform, self._now, written_at)
        draft.past = self._past(access.key, past, change.restores)
        if keys := unmet_keys(draft, write.expected):
            raise DigestConflict(current, keys)
        change.apply(draft)
        changed = draft.changes()
        document = current
        if changed or draft.purges:
            self._index.remove(access.key, draft.expired_keys)
        if draft.purges and draft.expired_keys and not changed:
            self._after[access.key] = document = documents.without_expired(current, content)
        if changed:
            columns, expired_keys = self._columns(content, draft.viewer, current.revision + 1)
            document = current._replace(
                revision=current.revision + 1,
                created_at=current.created_at or written_at,
                updated_at=written_at,
                expires_at=content.expires_at,
                **columns,
            )
            self._record(draft, document, write, changed)
            self._index.remove(access.key, expired_keys)
            self._after[access.key] = document
            self._conceal(access.key, changed)
        if draft.purges:
            self._purge(access.key, keep=set(content))
        deleted_keys = {
            key
            for key, (before, after) in changed.items()
            if after is None and before is not None and draft.viewer.may_know_of(before)
        }
        return WriteResult(
            document,
            sorted(deleted_keys & change.deleted_keys),
            sorted(draft.skipped_keys),
            changed=bool(changed),
        )

    def _columns(self, content: Content, viewer: Viewer, revision: int) -> tuple[dict[str, Any], list[str]]:
        """The columns of a content within the limits, and the expired keys that were removed to make room.

        Raises Rejected.
        """
        expired_keys: list[str] = []
        while True:
            columns = content.encode(revision)
            try:
                _check_document(content, viewer, columns["metadata"], self._write_settings.limits)
                return columns, expired_keys
            except Rejected:
                expired_keys = content.expire(self._now)
                if not expired_keys:
                    raise

    def _past(self, document: DocumentKey, past: Past | None, revision: int | None) -> Past | None:
        """The stored past together with what this transaction has changed and purged."""
        if past is None or revision is None:
            return None
        keep = self._purged.get(document)
        if keep is not None:
            if not keep:
                return None
            past.forget(keep)
        for row in self._history:
            if row.document_key == document and row.revision > revision:
                past.undo(row)
        return past

    def _record(
        self, draft: Draft, document: MetadataDocument, write: Write, changed: ChangedEntries
    ) -> None:
        """Add to the history and to the index. Raises Rejected, and then adds nothing."""
        rows = self._index_rows(draft, changed, write.budget)
        self._history.append(
            history.ChangeRow(
                user_id=document.user_id,
                platform_id=document.platform_id,
                revision=document.revision,
                actor_id=draft.access.actor_id,
                changed_at=draft.written_at,
                source=write.source,
                **history.columns_of(changed),
            )
        )
        self._events.append(change_event(draft.access, document, changed, self._now))
        for context, (entry, had_parts) in rows.items():
            self._index.set(context, entry, had_parts=had_parts)

    def _index_rows(
        self, draft: Draft, changed: ChangedEntries, budget: WriteBudget
    ) -> dict[CipherContext, tuple[index.IndexedEntry, bool]]:
        """What to index of changed entries, nothing for those that leave the index, and whether they may
        have had parts in it. Raises Rejected."""
        rows: dict[CipherContext, tuple[index.IndexedEntry, bool]] = {}
        parts = 0
        for key, (before, after) in changed.items():
            context, paths = CipherContext.of(draft.access, key), draft.indexed_paths(key)
            had_parts = before is not None and index.has_parts(before, paths)
            if after is not None and (after.is_indexed or index.has_parts(after, paths)):
                text = _text_to_index(draft, key, after)
                entry = index.indexed(context, after, text, self._write_settings.keys, paths)
                rows[context] = entry, had_parts
                parts += len(entry.parts)
                budget.spend_on_parts(len(entry.parts), of_write=parts)
            elif before is not None and (before.is_indexed or had_parts):
                rows[context] = index.IndexedEntry(), had_parts
        return rows

    def _conceal(self, document: DocumentKey, changed: ChangedEntries) -> None:
        """Remove values from the history that are encrypted from now on."""
        keys = {
            key
            for key, (before, after) in changed.items()
            if before is not None and after is not None and after.is_encrypted and not before.is_encrypted
        }
        if keys:
            self._concealed.setdefault(document, set()).update(keys)
            self._history = [
                row.concealing(keys) if row.document_key == document else row for row in self._history
            ]

    def _purge(self, document: DocumentKey, *, keep: set[str]) -> None:
        self._purged[document] = keep & self._purged.get(document, keep)
        self._history = [
            row.without_values(keep) if row.document_key == document else row for row in self._history
        ]
        self._events = [
            without_keys(event, keep) if (event.user_id, event.platform_id) == document else event
            for event in self._events
        ]
        self.answers.clear(document)


def _check_document(content: Content, viewer: Viewer, metadata: str, limits: Limits) -> None:
    """Check a content whose column `metadata` has this text. Raises Rejected."""
    conditional = content.conditional_keys
    size = len(metadata.encode()) + content.conditional_size(conditional)
    hidden: list[str] = []
    if len(content) > limits.max_metadata_keys or size > limits.max_metadata_size:
        for key in conditional:
            entry = content.get(key)
            if entry is not None and not viewer.may_know_of(entry):
                hidden.append(key)
    check_document(
        len(content), size, limits, hidden_keys=len(hidden), hidden_size=content.conditional_size(hidden)
    )


def _text_to_index(draft: Draft, key: str, entry: Entry) -> str:
    """The canonical text of a value that the index is about to get. Raises Rejected."""
    try:
        return draft.text(key, entry)
    except Undecipherable as error:
        raise undecipherable_value(key, error, ("entries",)) from None
