"""The streams behind subscriptions.

Each reads from the database as far as it has got, and waits when there is no more. Nothing is queued: a slow
client is behind, and no more. The rights of the caller are checked again before anything is told.
"""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from gql_service.auth.principal import Principal
from gql_service.auth.scopes import Scope
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.events.arrivals import last_position
from gql_service.domain.events.events import OF_TENANT, EventType
from gql_service.domain.events.feed import PositionedEvent, moments_of_user
from gql_service.domain.events.pruning import check_known
from gql_service.domain.history.visibility import VisibleChange
from gql_service.domain.pagination import MAX_PAGE, PageRequest
from gql_service.domain.users import notifications
from gql_service.domain.users.notifications import Notification
from gql_service.errors import BadUserInput, NotFound
from gql_service.services.context import Context, Services
from gql_service.services.event_wakeups import document_topic, platform_topics
from gql_service.services.subscribers import SubscriptionContext

MAX_BEHIND = 1000
"""Changes of a document that a subscriber may be behind. Whoever is farther reads the document instead."""
_REMEMBERED = 100
"""Notifications that a subscriber is told of once only, although several were created in a millisecond."""


async def platform_events(
    context: SubscriptionContext, key: str, after: str | None
) -> AsyncGenerator[PositionedEvent, None]:
    """The events of a platform after a position, by default from now on.

    Raises Forbidden, NotFound or EventsDeleted, also later.
    """
    caller, services = context.caller, context.services
    context = caller.context()  # the other one lives as long as the stream, with what it has read
    _access, platform = await context.platform_access(key)
    with services.wakeups.waiting(platform_topics(platform.tenant_id, platform.id)) as wakeup:
        position = await _last_position(services) if after is None else after
        while True:
            wakeup.clear()
            page = await context.events(platform, PageRequest(MAX_PAGE, False, position, None))
            # After the events were read: one of them may be that the caller has lost their rights.
            await caller.refresh()
            context = caller.context()
            await context.platform_access(key)
            for event in page.items:
                services.policy.platform_access(caller.principal, platform)
                yield event
                position = str(event.position)
            if not page.has_next:
                await wakeup.wait()
                context = caller.context()


class DocumentChange(NamedTuple):
    """A change of a document, as its subscriber may see it, with the document of now."""

    revision: int
    changed_keys: Sequence[str]
    resync: bool
    view: DocumentView


async def document_changes(
    context: SubscriptionContext, platform_key: str | None, username: str | None, since: int | None
) -> AsyncGenerator[DocumentChange, None]:
    """The changes of a document after a revision, by default from now on.

    Raises what `Context.access` raises, also later, and BadUserInput for a revision that does not exist.
    """
    caller, services = context.caller, context.services
    services.policy.require_scope(caller.principal, Scope.EVENTS)
    context = caller.context()  # the other one lives as long as the stream, with what it has read
    access = await context.access(platform_key, username)
    key = access.key
    # They are also told when the user is deleted, which is an event of the user, not of the document.
    with services.wakeups.waiting({document_topic(*key), document_topic(key[0], OF_TENANT)}) as wakeup:
        view = await context.document(access)
        revision = view.revision if since is None else since
        if not 0 <= revision <= view.revision:
            raise BadUserInput(
                f"`sinceRevision` is {revision}, but the document has revision {view.revision}."
            )
        while True:
            if view.revision > revision:
                for change in await _changes_since(context, view, revision):
                    if change.resync or change.changed_keys:
                        yield change
                    revision = change.revision
                    del change
            else:
                del context, access, view  # thousands may wait, each with a document
                await wakeup.wait()
            wakeup.clear()
            await caller.refresh()
            context = caller.context()
            access = await context.access(platform_key, username)
            if access.key != key:  # the name was given to another user
                raise NotFound("User not found")
            view = await context.document(access)


class ReceivedNotification(NamedTuple):
    """A notification, with the position of its event."""

    position: int
    notification: Notification


async def received_notifications(
    context: SubscriptionContext, after: str | None
) -> AsyncGenerator[ReceivedNotification, None]:
    """The caller's new notifications after a position, by default from now on.

    Raises Forbidden or EventsDeleted, also later.
    """
    caller, services = context.caller, context.services
    services.policy.require_scope(caller.principal, Scope.EVENTS)
    sent = deque[str](maxlen=_REMEMBERED)
    with services.wakeups.waiting([document_topic(caller.principal.user_id, OF_TENANT)]) as wakeup:
        position = int(await _last_position(services) if after is None else after)
        is_behind = after is not None
        await context.check_given(position)
        while True:
            wakeup.clear()
            found = await _notifications_after(services, caller.principal, position, is_behind=is_behind)
            for each in found:
                if each.notification.id not in sent:
                    sent.append(each.notification.id)
                    yield each
            if found:
                position = found[-1].position
            else:
                is_behind = False
                await wakeup.wait()
            await caller.refresh()


async def _notifications_after(
    services: Services, principal: Principal, after: int, *, is_behind: bool
) -> list[ReceivedNotification]:
    """The next notifications after a position. An event says when they were created: those of the same
    millisecond come with each of its events.

    Raises EventsDeleted if the caller `is_behind`, and events after the position were deleted.
    """
    user_id, created = principal.user_id, EventType.NOTIFICATION_CREATED
    async with services.database.read() as connection:
        moments = await moments_of_user(connection, user_id, created, after, MAX_PAGE)
        if is_behind:
            await check_known(connection, principal.tenant_id, OF_TENANT, after)
        if not moments:
            return []
        instants = [each.occurred_at for each in moments]
        rows = await notifications.created_between(connection, user_id, min(instants), max(instants))
    return [
        ReceivedNotification(each.position, row)
        for each in moments
        for row in rows
        if row.created_at == each.occurred_at
    ]


async def _changes_since(context: Context, view: DocumentView, revision: int) -> list[DocumentChange]:
    """The next changes, oldest first, also those that the viewer may know nothing of. One that tells to read
    the document anew, if the history does not have them all any more, or if they are too many."""
    if view.revision - revision <= MAX_BEHIND:
        # With the change that the viewer knows: clearing a document removes it, and is told by that.
        known = max(revision, 1)
        request = PageRequest(MAX_PAGE, True, None, str(known - 1))
        page = await context.stored_data.history(view, request, with_invisible=True)
        found = list(reversed(page.items))
        is_complete = [change.revision for change in found] == [*range(known, known + len(found))]
        new = [change for change in found if revision < change.revision <= view.revision]
        if new and is_complete:
            return [DocumentChange(change.revision, _changed_keys(change), False, view) for change in new]
    return [DocumentChange(view.revision, (), True, view)]


def _changed_keys(change: VisibleChange) -> list[str]:
    return sorted([*change.changed_keys, *change.deleted_keys])


async def _last_position(services: Services) -> str:
    async with services.database.read() as connection:
        return str(await last_position(connection, numbers_events=services.database.numbers_events))
