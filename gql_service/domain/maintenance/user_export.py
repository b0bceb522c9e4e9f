"""The export of one user for themselves: everything that is stored about them and that the reader may see.

It is not the export of the database, and cannot be imported.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from gql_service.auth.access import USER_WIDE, DocumentAccess
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain import tenants
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import EntryView, Viewer, entries
from gql_service.domain.pagination import PageRequest
from gql_service.domain.users import access_tokens, badges, changes, identities, notifications
from gql_service.domain.users.fields import USER_FIELDS, FieldType
from gql_service.domain.users.rows import User
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import MalformedData
from gql_service.instants import rfc3339
from gql_service.store.connection import Connection

_PAGE, _DOCUMENT_PAGE = 100, 8
Json = dict[str, Any]


async def export_user(
    connection: Connection,
    principal: Principal,
    policy: Policy,
    user: User,
    *,
    include_hidden: bool,
    keys: KeyRing,
    now: int,
    count: Callable[[int], None],
) -> Json:
    """What is stored about a user, for a caller who may read all fields of the user.

    Documents are those on platforms whose tenants the caller administers, or all for the user. Without
    `include_hidden`, which needs an admin, they have what the user sees. `count` gets the size of what is
    read, and may raise. Raises MalformedData.
    """
    (earned,) = await badges.by_users(connection, [user.user_id])
    if isinstance(earned, MalformedData):
        raise earned
    tokens = await access_tokens.of_user(connection, user.user_id)
    linked = await identities.of_user(connection, user.user_id)
    exported = {
        **_fields(user),
        "badges": [{"name": badge.name, "earnedAt": rfc3339(badge.earned_at)} for badge in earned],
        "tokens": [
            {
                "id": token.id,
                "label": token.label,
                "createdAt": rfc3339(token.created_at),
                "expiresAt": _instant(token.expires_at),
                "revokedAt": _instant(token.revoked_at),
            }
            for token in tokens
        ],
        "identities": [
            {"issuer": each.issuer, "subject": each.subject, "linkedAt": rfc3339(each.linked_at)}
            for each in linked
        ],
        "notifications": await _notifications(connection, user, count),
        "documents": await _documents(connection, principal, policy, user, include_hidden, keys, now, count),
    }
    if policy.administers(principal, user.tenant_id):
        exported["changes"] = await _changes(connection, user, count)
    return exported


def _fields(user: User) -> Json:
    fields: Json = {
        "userId": user.user_id,
        "tenantId": user.tenant_id,
        "username": user.username,
        "displayName": user.display_name,
        "revision": user.revision,
        "createdAt": rfc3339(user.created_at),
        "updatedAt": rfc3339(user.updated_at),
    }
    for field in USER_FIELDS.values():
        value = field.read(user)
        if field.type is FieldType.DECISIONS:
            value = [
                {"name": name, "optedIn": opted_in, "decidedAt": rfc3339(at)} for name, opted_in, at in value
            ]
        fields[field.public_name] = value
    return fields


async def _notifications(connection: Connection, user: User, count: Callable[[int], None]) -> list[Json]:
    found: list[Json] = []
    after = ("", "")
    while page := await notifications.of_users(connection, [user.user_id], after, _PAGE):
        for each in page:
            count(len(each.title) + len(each.body))
            found.append(
                {
                    "id": each.id,
                    "kind": each.kind,
                    "title": each.title,
                    "body": each.body,
                    "createdAt": rfc3339(each.created_at),
                    "readAt": _instant(each.read_at),
                }
            )
        after = page[-1].key
    return found


async def _changes(connection: Connection, user: User, count: Callable[[int], None]) -> list[Json]:
    found: list[Json] = []
    request = PageRequest(_PAGE, backwards=False, after=None, before=None)
    while True:
        page = await changes.page_of_user(connection, user.user_id, request)
        for each in page.items:
            count(each.size)
            found.append(changes.as_json(each))
        if not page.has_next:
            return found
        request = request._replace(after=page.items[-1].id)


async def _documents(
    connection: Connection,
    principal: Principal,
    policy: Policy,
    user: User,
    include_hidden: bool,
    keys: KeyRing,
    now: int,
    count: Callable[[int], None],
) -> list[Json]:
    is_self = principal.user_id == user.user_id
    visible = {each for each in user.tenant_ids if is_self or policy.administers(principal, each)}
    found: list[Json] = []
    after = ("", "")
    while page := await documents.of_users(connection, [user.user_id], after, _DOCUMENT_PAGE):
        platforms = await tenants.platforms_by_ids(connection, [document.platform_id for document in page])
        for document, platform in zip(page, platforms, strict=True):
            count(document.size)
            if document.platform_id == USER_WIDE:
                access = policy.user_wide_document(principal, user)
            elif platform is not None and platform.tenant_id in visible:
                access = policy.platform_document(principal, platform, user)
            else:
                continue
            access = access._replace(is_admin=include_hidden and access.is_admin)
            found.append(_document(access, document, keys, now))
            await asyncio.sleep(0)  # documents may be large
        after = page[-1].key
    return found


def _document(access: DocumentAccess, document: MetadataDocument, keys: KeyRing, now: int) -> Json:
    content = document.content()
    included = entries(Viewer(access, now), content, keys, include_inactive=True)
    return {
        "platformKey": access.platform_key,
        "revision": document.revision,
        "createdAt": _instant(document.created_at),
        "updatedAt": _instant(document.updated_at),
        "entries": [_entry(entry) for entry in included],
        "hasHiddenEntries": len(included) < sum(1 for _ in content),
    }


def _entry(view: EntryView) -> Json:
    entry = view.entry
    return {
        "metadataKey": view.metadata_key,
        "value": orjson.Fragment(view.value),
        "valueType": entry.type.value,
        "category": entry.category,
        "description": entry.description,
        "source": entry.source,
        "isPublic": entry.is_public,
        "isEditable": entry.is_editable,
        "isEncrypted": entry.is_encrypted,
        "validFrom": _instant(entry.valid_from),
        "validUntil": _instant(entry.valid_until),
        "createdAt": rfc3339(entry.created_at),
        "updatedAt": rfc3339(entry.updated_at),
    }


def _instant(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)
