"""The one way documents are written.

A write locks the row, checks the precondition against it, lets a draft compute the new content, and stores it
with the next revision, its history and its index; one that changes nothing stores nothing. It needs the proof
that `auth.policy` hands out. Writes of several documents, or several writes of one, share a transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gql_service.auth.access import DocumentAccess
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.definitions import FREE, PlatformRules
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.documents.rows import Document, Key
from gql_service.domain.history import changes as history
from gql_service.domain.history.point_in_time import Past, to_revision
from gql_service.domain.search import index
from gql_service.domain.values.encryption import Place, Undecipherable
from gql_service.domain.values.validation import Rules, check_document
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.digest_preconditions import NOTHING, Expected, unmet
from gql_service.domain.writes.draft import Draft
from gql_service.domain.writes.idempotency import Answer, Answers, Once
from gql_service.errors import Problem, Rejected, RevisionConflict
from gql_service.store.connection import Connection

Precondition = Callable[[int], bool]
"""Whether a write may proceed on a document at this revision (0: never written)."""
Changed = Mapping[str, tuple[Entry | None, Entry | None]]


class Write(NamedTuple):
    """A change of one document, with the proof that the caller may make it."""

    access: DocumentAccess
    change: Change
    precondition: Precondition
    source: str = "graphql"
    """The door the write came through."""
    once: Once | None = None
    """Given where the same write may be sent again, and is to be done only once."""
    expected: Expected = NOTHING
    """What keys must hold before the write, besides the precondition."""


class Conflict(RevisionConflict):
    """A precondition failed on this document, of which the caller named these keys."""

    def __init__(self, document: Document, keys: Sequence[str]) -> None:
        super().__init__(document.revision)
        self.document = document
        self.keys = keys


class DigestConflict(Conflict):
    """These keys of this document do not hold what the caller expected."""

    def __init__(self, document: Document, keys: Sequence[str]) -> None:
        super().__init__(document, keys)
        named = ", ".join(repr(key[:40]) for key in keys[:5]) + (" and others" if len(keys) > 5 else "")
        self.problem = Problem.DIGEST_CONFLICT
        self.message = (
            f"What is stored under {named} is not what was expected. Read it again, merge, and retry."
        )
        self.field = ("expected_digests",)


def any_revision(_revision: int) -> bool:
    """The precondition of a caller who has none."""
    return True


def exactly_revision(expected: int) -> Precondition:
    """The precondition of a caller who has seen one revision."""
    return lambda revision: revision == expected


async def write(transaction: Connection, one: Write, *, rules: Rules, now: int) -> Answer:
    """Write one document. Raises Rejected."""
    (result,) = await write_all(transaction, [one], rules=rules, now=now)
    if isinstance(result, Exception):
        raise result
    return result


async def write_all(
    transaction: Connection,
    writes: Sequence[Write],
    *,
    rules: Rules,
    now: int,
    dry: bool = False,
    together: bool = False,
) -> list[Answer | Exception]:
    """Each write stands or falls alone; of one document, they follow each other. What is refused is answered
    with Rejected, or Conflict where a precondition fails. If it is dry, nothing is stored; nor if one of
    them is refused, where they are to be done together."""
    platform_ids = {write.access.platform_id for write in writes if write.access.platform_key is not None}
    await transaction.lock(platform_ids, exclusive=False)
    platforms = await definitions.of_platforms(transaction, platform_ids)
    before = await documents.lock(transaction, {write.access.key for write in writes})
    batch = _Batch(before, platforms, rules, now)
    await batch.answers.read(transaction, {(each.access, each.once) for each in writes if each.once})
    results = []
    for write in writes:
        revision = write.change.rewinds_to
        past = None if revision is None else await to_revision(transaction, write.access.key, revision)
        results.append(batch.answer(write, past))
    if not dry and not (together and any(isinstance(result, Exception) for result in results)):
        await batch.store(transaction)
    return results


class _Batch:
    """The documents of one transaction, and what is to be stored at its end."""

    def __init__(
        self, before: Mapping[Key, Document], platforms: Mapping[str, PlatformRules], rules: Rules, now: int
    ) -> None:
        self.answers = Answers(now)
        self._before = before
        self._after = dict(before)
        self._platforms = platforms
        self._rules = rules
        self._now = now
        self._index = index.Updates()
        self._recorded: list[history.Row] = []
        self._forgotten: dict[Key, set[str]] = {}
        self._concealed: dict[Key, set[str]] = {}

    def answer(self, write: Write, past: Past | None) -> Answer | Exception:
        """Do a write, given what is stored of the past it asked for; or say why not."""
        try:
            write.access.verify()
            if write.once and (given := self.answers.find(write.access, write.once)):
                return given
            answer = self._write(write, past)
        except Exception as refusal:
            return refusal
        if write.once:
            self.answers.keep(write.access, write.once, answer)
        return answer

    async def store(self, transaction: Connection) -> None:
        """Store what has changed. Raises LostRace."""
        changed = [
            self._after[key] for key in sorted(self._after) if self._after[key] is not self._before[key]
        ]
        await documents.store(transaction, changed, self._before)
        for document, keep in self._forgotten.items():
            await history.forget(transaction, document, keep)
        for document, keys in self._concealed.items():
            await history.conceal(transaction, document, keys)
        await history.record(transaction, self._recorded)
        await self._index.store(transaction)
        await self.answers.store(transaction)

    def _write(self, write: Write, past: Past | None) -> Answer:
        access, change, precondition, source, _, expected = write
        current = self._after[access.key]
        if not precondition(current.revision):
            raise Conflict(current, sorted(change.keys | expected.keys()))
        content = current.content()
        platform = self._platforms.get(access.platform_id, FREE)
        draft = Draft(access, content, self._rules, platform, self._now)
        draft.past = self._past(access.key, past, change.rewinds_to)
        if different := unmet(draft, expected):
            raise DigestConflict(current, different)
        change.apply(draft)
        changed = draft.changes()
        document = current
        if changed or draft.purges:
            self._index.remove(access.key, draft.expired)
        if draft.purges and draft.expired and not changed:
            self._after[access.key] = document = documents.swept(current, content)
        if changed:
            columns, expired = self._fitting(content)
            document = current._replace(
                revision=current.revision + 1,
                created_at=current.created_at or self._now,
                updated_at=self._now,
                expires_at=content.expires_at,
                **columns,
            )
            self._note(draft, document, source, changed)
            self._index.remove(access.key, expired)
            self._after[access.key] = document
            self._conceal(access.key, changed)
        if draft.purges:
            self._forget(access.key, set(content))
        gone = {
            key for key, (entry, after) in changed.items() if after is None and entry and draft.sees(entry)
        }
        return Answer(document, sorted(gone & change.deleting), sorted(draft.skipped))

    def _fitting(self, content: Content) -> tuple[dict[str, Any], list[str]]:
        """The columns of a content within the limits, and the keys of what has expired and had to go.

        Raises Rejected."""
        expired: list[str] = []
        while True:
            columns = content.encode()
            size = len(columns["metadata"].encode()) + content.hidden_size()
            try:
                check_document(len(content), size, self._rules.limits)
                return columns, expired
            except Rejected:
                expired = content.expire(self._now)
                if not expired:
                    raise

    def _past(self, document: Key, past: Past | None, revision: int | None) -> Past | None:
        """A past with what this transaction has added to it, and forgotten."""
        if past is None or revision is None:
            return None
        keep = self._forgotten.get(document)
        if keep is not None:
            if not keep:
                return None
            past.forget(keep)
        for row in self._recorded:
            if row[:2] == document and row.revision > revision:
                past.undo(row)
        return past

    def _note(self, draft: Draft, document: Document, source: str, changed: Changed) -> None:
        """What the history and the index are to say; nothing, where that is refused."""
        rows = self._index_rows(draft, changed)
        actor, text = draft.access.actor_id, history.changes_text(changed)
        row = history.Row(*document[:2], document.revision, actor, self._now, source, text)
        self._recorded.append(row)
        for place, found_by in rows.items():
            self._index.set(place, found_by)

    def _index_rows(self, draft: Draft, changed: Changed) -> dict[Place, index.Row | None]:
        """How to find the entries that were changed; None for those not to be found any more."""
        rows: dict[Place, index.Row | None] = {}
        for key, (before, after) in changed.items():
            place = Place.of(draft.access, key)
            if after is not None and after.is_indexed:
                rows[place] = index.row_of(place, after, _indexed(draft, key, after), self._rules.keys)
            elif before is not None and before.is_indexed:
                rows[place] = None
        return rows

    def _conceal(self, document: Key, changed: Changed) -> None:
        """What is encrypted from now on is to be told by no history, either."""
        keys = {
            key
            for key, (before, after) in changed.items()
            if before is not None and after is not None and after.is_encrypted and not before.is_encrypted
        }
        if keys:
            self._concealed.setdefault(document, set()).update(keys)
            self._recorded = [row.concealing(keys) if row[:2] == document else row for row in self._recorded]

    def _forget(self, document: Key, keep: set[str]) -> None:
        self._forgotten[document] = keep & self._forgotten.get(document, keep)
        self._recorded = [row.without_values(keep) if row[:2] == document else row for row in self._recorded]
        self.answers.forget(document)


def _indexed(draft: Draft, key: str, entry: Entry) -> str:
    """What an entry is to be found by. Raises Rejected."""
    try:
        return draft.text(key, entry)
    except Undecipherable as error:
        message = f"The value of {key[:40]!r} cannot be decrypted: {error}. Set it anew."
        raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, ("entries",)) from None
