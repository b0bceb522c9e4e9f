"""Restoring: making a document again what it was, by a write like any other."""

from gql_service.domain.documents.entries import Entry
from gql_service.domain.values.validation import InputPath, check_key, check_size
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected

_FIELD: InputPath = ("revision",)


def restore_revision(revision: int) -> Change:
    """Make the content what it was after a revision, as far as history knows it; the rest stays."""

    def apply(draft: Draft) -> None:
        if draft.past is None:
            message = (
                f"The history does not reach revision {revision}: the document never had it, was cleared "
                "since, or has changed too often. Choose one that `history` shows."
            )
            raise Rejected(Problem.UNKNOWN_REVISION, message, _FIELD)
        draft.skipped.update(draft.past.unknown)
        for key, entry in sorted(draft.past.entries.items()):
            if entry is None or entry.has_expired(draft.now):
                draft.delete(key, _FIELD)
            elif entry.is_encrypted:
                draft.skipped.add(key)
            else:
                _put(draft, key, entry)

    return Change(apply, rewinds_to=revision)


def _put(draft: Draft, key: str, entry: Entry) -> None:
    check_key(key, draft.limits, _FIELD)
    check_size(entry.text or "", draft.limits, _FIELD)
    draft.put(key, entry._replace(updated_at=draft.now, updated_by=draft.access.actor_id), _FIELD)
