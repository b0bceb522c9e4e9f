"""What the security log says of users: only that something has changed, never the old or the new value."""

from gql_service.domain.users.rows import User
from gql_service.errors import MalformedData
from gql_service.observability.security_log import EventKind, SecurityEvent


def of_creation(user: User) -> list[SecurityEvent]:
    """A new user, and the rights that they begin with."""
    blank = user._replace(stored_permissions="[]", is_platform_owner=False)
    return [SecurityEvent(EventKind.USER_CREATED, user.user_id), *_changed_rights(blank, user)]


def of_change(before: User, after: User) -> list[SecurityEvent]:
    """The changes of rights and of the email address."""
    events = _changed_rights(before, after)
    if before.email != after.email:
        events.append(SecurityEvent(EventKind.USER_EMAIL_CHANGED, after.user_id, "ADDRESS"))
    elif bool(before.email_verified) != bool(after.email_verified):
        events.append(SecurityEvent(EventKind.USER_EMAIL_CHANGED, after.user_id, "VERIFICATION"))
    return events


def _changed_rights(before: User, after: User) -> list[SecurityEvent]:
    events = []
    granted, removed = _permissions(after) - _permissions(before), _permissions(before) - _permissions(after)
    if granted or removed:
        reason = "GRANTED_AND_REMOVED" if granted and removed else "GRANTED" if granted else "REMOVED"
        events.append(SecurityEvent(EventKind.USER_PERMISSIONS_CHANGED, after.user_id, reason))
    if bool(before.is_platform_owner) != bool(after.is_platform_owner):
        reason = "GRANTED" if after.is_platform_owner else "REMOVED"
        events.append(SecurityEvent(EventKind.USER_OWNER_CHANGED, after.user_id, reason))
    return events


def _permissions(user: User) -> set[str]:
    """None, if they are malformed: nobody has such permissions."""
    try:
        return set(user.permissions)
    except MalformedData:
        return set()
