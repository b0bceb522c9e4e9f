"""Erasing a user: all their data, and their id in the data of others, where it says who did something.

This is one transaction. What other users have written into their own documents stays, whatever it contains.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, Text, bindparam, cast, delete, func, null, or_, select, update

from gql_service.auth.access import UserAccess
from gql_service.domain.definitions.history import forget_actor
from gql_service.domain.documents import rows as documents
from gql_service.domain.events import events
from gql_service.domain.history import changes as history
from gql_service.domain.tombstones import Grave, bury
from gql_service.domain.users import access_tokens, identities
from gql_service.domain.users import rows as users
from gql_service.domain.webhooks import deliveries
from gql_service.errors import NotFound
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement

_BATCH = 500
"""Users whose documents are searched by one statement."""
_ERASED = bindparam("erased", type_=Text)

# Other writes of the user wait for this lock, and then find that the user does not exist.
_LOCK = Statement(select(tables.users.c.id).where(tables.users.c.id == _ERASED).with_for_update())
_TENANTS = Statement(select(tables.memberships.c.tenant_id).where(tables.memberships.c.user_id == _ERASED))
_DELETE_USER = Statement(delete(tables.users).where(tables.users.c.id == _ERASED))


def _owners() -> dict[Table, ColumnElement[str]]:
    """The tables whose rows belong to users, each with the column of the user id."""
    columns = [column for table in tables.metadata.sorted_tables for column in table.c]
    return {column.table: column for column in columns if column.references(tables.users.c.id)}


_DELETE_OWNED = {
    table.name: Statement(delete(table).where(owner == _ERASED).returning(owner))
    for table, owner in _owners().items()
}
_REVOKE_ISSUED_TOKENS = Statement(
    update(tables.access_tokens)
    .where(tables.access_tokens.c.issued_by == _ERASED, tables.access_tokens.c.user_id != _ERASED)
    .values(issued_by=null(), revoked_at=func.coalesce(tables.access_tokens.c.revoked_at, bindparam("now")))
    .returning(tables.access_tokens.c.id, tables.access_tokens.c.user_id, tables.access_tokens.c.revoked_at)
)


def _names(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a JSON text contains the user's id. JSON needs no escapes for ids."""
    text = cast(column, Text)
    return func.replace(text, _ERASED, "") != text


_user_changes = tables.user_changes.c
_ANONYMIZE_USER_CHANGES = Statement(
    update(tables.user_changes)
    .where(any_of(_user_changes.user_id, "user_ids"), _user_changes.actor_id == _ERASED)
    .values(actor_id=null())
    .returning(_user_changes.id)
)
_documents, _changes, _answers = tables.documents.c, tables.document_changes.c, tables.idempotency_keys.c
_DOCUMENTS_NAMING_USER = Statement(
    select(_documents.user_id, _documents.platform_id).where(
        any_of(_documents.user_id, "user_ids"), _names(_documents.attributes)
    )
)
_NAMES_USER = or_(_changes.actor_id == _ERASED, _names(_changes.changes))
_HISTORIES_NAMING_USER = Statement(
    select(_changes.user_id, _changes.platform_id)
    .where(any_of(_changes.user_id, "user_ids"), _NAMES_USER)
    .distinct()
)
_CHANGES_NAMING_USER = Statement(
    select(*(_changes[name] for name in history.ChangeRow._fields)).where(
        _changes.user_id == bindparam("of_user"),
        _changes.platform_id == bindparam("of_platform"),
        _NAMES_USER,
    )
)
_REWRITE_CHANGE = Statement(
    update(tables.document_changes)
    .where(
        _changes.user_id == bindparam("of_user"),
        _changes.platform_id == bindparam("of_platform"),
        _changes.revision == bindparam("at_revision"),
    )
    .values(actor_id=bindparam("actor_id"), changes=bindparam("changes"))
)
_DELETE_SENT = Statement(
    delete(tables.idempotency_keys)
    .where(
        any_of(_answers.user_id, "user_ids"),
        func.substr(_answers.key, 1, func.length(bindparam("sender", type_=Text)))
        == bindparam("sender", type_=Text),
    )
    .returning(_answers.key)
)


class ErasureResult(NamedTuple):
    """What was removed."""

    rows: dict[str, int]
    """How many rows of each table, by its name."""
    documents: int = 0
    """Documents of other users, and rows of their history, from which the user's id was removed."""
    changes: int = 0
    answers: int = 0
    """Answers to writes of others' documents, kept in case these are sent again."""
    tokens: int = 0
    """Tokens that the user had issued for others, which were revoked."""
    user_changes: int = 0
    """Changes of other users that the user had made."""


class Rehearsal(Exception):
    """The end of a dry run: it rolls the transaction back."""

    def __init__(self, result: ErasureResult) -> None:
        super().__init__("dry run")
        self.result = result


async def erase(
    transaction: Connection, access: UserAccess, now: int, *, dry_run: bool = False
) -> ErasureResult:
    """Erase a user. Raises NotFound, and Rehearsal at the end of a dry run.

    Tokens that they have issued for others are revoked, because they know their secrets.
    """
    access.verify()
    erased = access.user_id
    if not await transaction.fetch(_LOCK, erased=erased):
        raise NotFound("User not found")
    tenant_ids = [row[0] for row in await transaction.fetch(_TENANTS, erased=erased)]
    tokens = await transaction.fetch(_REVOKE_ISSUED_TOKENS, erased=erased, now=now)
    await identities.bury_those_of(transaction, erased)
    rows = {
        name: len(await transaction.fetch(statement, erased=erased))
        for name, statement in _DELETE_OWNED.items()
    }
    await transaction.execute(_DELETE_USER, erased=erased)
    await forget_actor(transaction, erased)
    await bury(transaction, [(Grave.USER_ID, erased)])
    await events.erase(transaction, erased, tenant_ids, now)
    await deliveries.erase(transaction, erased)
    transaction.security_events.append(SecurityEvent(EventKind.USER_ERASED, erased))
    revoked = [(token, owner) for token, owner, revoked_at in tokens if revoked_at == now]
    author = access.author._replace(actor_id=None) if access.author.actor_id == erased else access.author
    await access_tokens.note_revoked(transaction, revoked, author, now, reason="ISSUER_ERASED")
    found = [0, 0, 0, 0]
    after = ""
    while user_ids := await users.ids_after(transaction, after, _BATCH):
        for index, count in enumerate(await _anonymize(transaction, erased, user_ids)):
            found[index] += count
        after = user_ids[-1]
    documents_, changes, answers, user_changes = found
    result = ErasureResult(rows, documents_, changes, answers, len(tokens), user_changes)
    if dry_run:
        raise Rehearsal(result)
    return result


async def _anonymize(transaction: Connection, erased: str, user_ids: Sequence[str]) -> tuple[int, ...]:
    """Remove a user's id from documents, their changes, answers and changes of others; returns how many of
    each had it."""
    parameters = {"erased": erased, "user_ids": user_ids}
    documents_naming = await transaction.fetch(_DOCUMENTS_NAMING_USER, **parameters)
    histories_naming = await transaction.fetch(_HISTORIES_NAMING_USER, **parameters)
    # The lock of a document also protects its history.
    naming = {(user, platform) for user, platform in (*documents_naming, *histories_naming)}
    locked = await documents.lock(transaction, naming)
    changed = []
    for document in locked.values():
        content = document.content()
        if content.anonymize(erased):
            changed.append(document._replace(**content.encode(document.revision)))
    await documents.store(transaction, changed, locked)
    changes = [
        await _anonymize_history(transaction, erased, user, platform) for user, platform in histories_naming
    ]
    sent = await transaction.fetch(_DELETE_SENT, sender=f"{erased}:", user_ids=user_ids)
    made = await transaction.fetch(_ANONYMIZE_USER_CHANGES, **parameters)
    return len(changed), sum(changes), len(sent), len(made)


async def _anonymize_history(transaction: Connection, erased: str, user: str, platform: str) -> int:
    document = {"of_user": user, "of_platform": platform}
    rows = await transaction.fetch(_CHANGES_NAMING_USER, erased=erased, **document)
    rewritten: list[dict[str, Any]] = [
        document
        | {
            "at_revision": row.revision,
            "actor_id": None if row.actor_id == erased else row.actor_id,
            "changes": row.anonymized(erased).changes,
        }
        for row in rows_as(history.ChangeRow, rows)
    ]
    await transaction.execute_many(_REWRITE_CHANGE, rewritten)
    return len(rewritten)
