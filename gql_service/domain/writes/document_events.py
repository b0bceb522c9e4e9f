"""The events of document writes."""

from collections.abc import Mapping, Set

from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.entries import Entry
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.events.events import Event, EventType


def change_event(
    access: DocumentAccess,
    document: MetadataDocument,
    changed: Mapping[str, tuple[Entry | None, Entry | None]],
    now: int,
) -> Event:
    """The event of a write: `changed` has each changed key with its entry before and after."""
    user = Viewer(access._replace(is_admin=False), now)
    public: list[str] = []
    hidden: list[str] = []
    for key, (before, after) in changed.items():
        (public if _is_public(user, before) or _is_public(user, after) else hidden).append(key)
    return Event(
        EventType.DOCUMENT_CHANGED,
        access.tenant_id,
        access.platform_id,
        access.user_id,
        access.actor_id,
        document.updated_at or now,
        document.revision,
        tuple(sorted(public)),
        tuple(sorted(hidden)),
    )


def without_keys(event: Event, keep: Set[str]) -> Event:
    """The event of a write that removes all keys but these for good, history included."""
    type_ = event.type if keep else EventType.DOCUMENT_CLEARED
    changed, hidden = (
        tuple(key for key in names if key in keep) for names in (event.changed_keys, event.hidden_keys)
    )
    return event._replace(type=type_, changed_keys=changed, hidden_keys=hidden)


def _is_public(user: Viewer, entry: Entry | None) -> bool:
    return entry is not None and user.may_know_of(entry)
