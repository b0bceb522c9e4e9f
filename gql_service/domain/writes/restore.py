"""Restoring an earlier revision, by a write like any other."""

from gql_service.domain.documents.entries import Entry
from gql_service.domain.values.validation import InputPath, check_key, check_size
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected

_PATH: InputPath = ("revision",)


def restore_revision(revision: int) -> Change:
    """Make the content what it was after a revision. Keys without a value in the history stay as they are."""

    def apply(draft: Draft) -> None:
        if draft.past is None:
            message = (
                f"The history does not reach revision {revision}: the document never had it, was cleared "
                "since, or has changed too often. Use a revision that `history` shows."
            )
            raise Rejected(Problem.UNKNOWN_REVISION, message, _PATH)
        draft.skipped_keys.update(draft.past.unknown)
        for key, entry in sorted(draft.past.entries.items()):
            if entry is None or entry.has_expired(draft.now):
                draft.delete(key, _PATH)
            elif entry.is_encrypted:
                draft.skipped_keys.add(key)
            else:
                _put(draft, key, entry)

    return Change(apply, restores=revision)


def _put(draft: Draft, key: str, entry: Entry) -> None:
    check_key(key, draft.limits, _PATH)
    check_size(entry.text or "", draft.limits, _PATH)
    draft.put(key, entry._replace(updated_at=draft.written_at, updated_by=draft.access.actor_id), _PATH)
