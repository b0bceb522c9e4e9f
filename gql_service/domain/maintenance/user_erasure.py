"""Erasing a user: everything that is kept of them, and their id wherever it says who did something.

It is one transaction. What others have written into documents of their own is theirs, whatever it says.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, Text, bindparam, cast, delete, func, null, or_, select, update

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import unsigned
from gql_service.domain.documents.rows import Key
from gql_service.domain.history import changes as history
from gql_service.domain.users import rows as users
from gql_service.domain.writes import idempotency
from gql_service.errors import NotFound
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement

_BATCH = 500
"""Users whose documents are looked through at once."""
_ERASED = bindparam("erased", type_=Text)

# Whoever writes something of the user waits for this lock, and finds them gone.
_LOCK = Statement(
    select(tables.users.c.id).where(tables.users.c.username == bindparam("username")).with_for_update()
)
_DELETE_USER = Statement(delete(tables.users).where(tables.users.c.id == _ERASED))


def _owners() -> dict[Table, ColumnElement[str]]:
    """The tables whose rows belong to users, and the column that says to whom."""
    columns = [column for table in tables.metadata.sorted_tables for column in table.c]
    return {column.table: column for column in columns if column.references(tables.users.c.id)}


_DELETE_OWNED = {
    table.name: Statement(delete(table).where(owner == _ERASED).returning(owner))
    for table, owner in _owners().items()
}
_END_TOKENS = Statement(
    update(tables.access_tokens)
    .where(tables.access_tokens.c.issued_by == _ERASED)
    .values(issued_by=null(), revoked_at=func.coalesce(tables.access_tokens.c.revoked_at, bindparam("now")))
    .returning(tables.access_tokens.c.id)
)


def _names(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a JSON text may have the user's id in it, which JSON writes as it is."""
    text = cast(column, Text)
    return func.replace(text, _ERASED, "") != text


_documents, _changes, _answers = tables.documents.c, tables.document_changes.c, tables.idempotency_keys.c
_SIGNED_DOCUMENTS = Statement(
    select(_documents.user_id, _documents.platform_id).where(
        any_of(_documents.user_id, "user_ids"), _names(_documents.attributes)
    )
)
_SIGNED = or_(_changes.actor_id == _ERASED, _names(_changes.changes))
_SIGNED_HISTORIES = Statement(
    select(_changes.user_id, _changes.platform_id)
    .where(any_of(_changes.user_id, "user_ids"), _SIGNED)
    .distinct()
)
_SIGNED_CHANGES = Statement(
    select(*(_changes[name] for name in history.Row._fields)).where(
        _changes.user_id == bindparam("of_user"), _changes.platform_id == bindparam("of_platform"), _SIGNED
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
_SIGNED_ANSWERS = Statement(
    select(_answers.user_id, _answers.platform_id, _answers.key, _answers.response)
    .where(any_of(_answers.user_id, "user_ids"), _names(_answers.response))
    .with_for_update()
)
_REWRITE_ANSWER = Statement(
    update(tables.idempotency_keys)
    .where(
        _answers.user_id == bindparam("of_user"),
        _answers.platform_id == bindparam("of_platform"),
        _answers.key == bindparam("of_key"),
    )
    .values(response=bindparam("response"))
)


class Erased(NamedTuple):
    """What was removed."""

    rows: dict[str, int]
    """How many rows of each table."""
    documents: int = 0
    """Documents of others, and changes of theirs, that do not name the user any more."""
    changes: int = 0
    answers: int = 0
    """Answers to writes of others' documents, kept in case these are sent again."""
    tokens: int = 0
    """Tokens that the user had made for others, revoked."""


async def erase(transaction: Connection, username: str, now: int) -> Erased:
    """Remove a user and everything of theirs. Raises NotFound.

    A token that they have made for somebody else ends, because they know its secret.
    """
    locked = await transaction.fetch(_LOCK, username=username)
    if not locked:
        raise NotFound(f"There is no user {username}.")
    erased: str = locked[0][0]
    tokens = await transaction.fetch(_END_TOKENS, erased=erased, now=now)
    rows = {
        name: len(await transaction.fetch(statement, erased=erased))
        for name, statement in _DELETE_OWNED.items()
    }
    await transaction.execute(_DELETE_USER, erased=erased)
    found = [0, 0, 0]
    after = ""
    while user_ids := await users.ids_after(transaction, after, _BATCH):
        for index, count in enumerate(await _unsign(transaction, erased, user_ids)):
            found[index] += count
        after = user_ids[-1]
    documents_, changes, answers = found
    return Erased(rows, documents_, changes, answers, len(tokens))


async def _unsign(transaction: Connection, erased: str, user_ids: Sequence[str]) -> tuple[int, int, int]:
    """Remove a user's id from what is kept of others: from documents, changes, and answers."""
    given = {"erased": erased, "user_ids": user_ids}
    signed = await transaction.fetch(_SIGNED_DOCUMENTS, **given)
    recorded = await transaction.fetch(_SIGNED_HISTORIES, **given)
    # The lock of a document is that of its history, too.
    locked = await documents.lock(transaction, {(user, platform) for user, platform in (*signed, *recorded)})
    after = [
        document._replace(attributes=unsigned(document.attributes or "{}", erased))
        for document in locked.values()
    ]
    changed = [document for document in after if document != locked[document[:2]]]
    await documents.store(transaction, changed, locked)
    changes = [await _unsign_history(transaction, erased, (user, platform)) for user, platform in recorded]
    sent = await transaction.fetch(_DELETE_SENT, sender=f"{erased}:", user_ids=user_ids)
    answers = await transaction.fetch(_SIGNED_ANSWERS, **given)
    rewritten = [
        {
            "of_user": user,
            "of_platform": platform,
            "of_key": key,
            "response": idempotency.unsigned(response, erased),
        }
        for user, platform, key, response in answers
    ]
    await transaction.execute_many(_REWRITE_ANSWER, rewritten)
    return len(changed), sum(changes), len(sent) + len(answers)


async def _unsign_history(transaction: Connection, erased: str, document: Key) -> int:
    where = {"of_user": document[0], "of_platform": document[1]}
    rows = rows_as(history.Row, await transaction.fetch(_SIGNED_CHANGES, erased=erased, **where))
    rewritten: list[dict[str, Any]] = [
        where
        | {
            "at_revision": row.revision,
            "actor_id": None if row.actor_id == erased else row.actor_id,
            "changes": row.unsigned(erased).changes,
        }
        for row in rows
    ]
    await transaction.execute_many(_REWRITE_CHANGE, rewritten)
    return len(rewritten)
