"""Finding the documents of a platform that break what is about to be defined.

The caller holds the platform alone meanwhile, so that no document escapes by being written just then.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.documents.rows import Document
from gql_service.domain.users import rows as users
from gql_service.domain.values.encryption import KeyRing, Place, Undecipherable
from gql_service.errors import LimitExceeded
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import contains_text
from gql_service.store.statement import Statement
from gql_service.store.tables import documents

_PAGE = 100
"""Documents of one statement, whatever platform they are of, so that none takes long."""
_EXAMPLES = 3

_NEXT = select(documents.c.user_id).where(documents.c.user_id > bindparam("after"))
_END = Statement(
    select(func.max(_NEXT.order_by(documents.c.user_id).limit(bindparam("size")).subquery().c.user_id))
)
_OF_PLATFORM = select(documents).where(
    documents.c.platform_id == bindparam("platform_id"),
    documents.c.user_id > bindparam("after"),
    documents.c.user_id <= bindparam("end"),
)
_ALL = Statement(_OF_PLATFORM.order_by(documents.c.user_id))
_MENTIONING = Statement(
    _OF_PLATFORM.where(
        or_(contains_text(documents.c.metadata, "text"), contains_text(documents.c.attributes, "text"))
    ).order_by(documents.c.user_id)
)


class Found(NamedTuple):
    """How many documents break it, and what a few of them have."""

    documents: int
    examples: list[str]


Judge = Callable[[Document, Content], str | None]
"""What is wrong with a document, if anything is."""


async def survey(
    transaction: Connection,
    access: PlatformAccess,
    judge: Judge,
    *,
    key: str | None = None,
    seconds: float | None,
) -> Found:
    """Judge all documents of a platform, or those that may have a key.

    Raises LimitExceeded where it takes longer than it may.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    count, examples, after = 0, dict[str, str](), ""
    text = None if key is None else f"{strict_json.dumps(key)}:"
    while (end := (await transaction.fetch(_END, after=after, size=_PAGE))[0][0]) is not None:
        between = {"platform_id": access.platform_id, "after": after, "end": end}
        statement, more = (_ALL, {}) if text is None else (_MENTIONING, {"text": text})
        for document in rows_as(Document, await transaction.fetch(statement, **between, **more)):
            if (fault := judge(document, document.content())) is not None:
                count += 1
                if len(examples) < _EXAMPLES:
                    examples[document.user_id] = fault
            _require_time(deadline)
        _require_time(deadline)
        after = end
        await asyncio.sleep(0)  # on SQLite nothing else has let others in
    return Found(count, await _named(transaction, examples))


def _require_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise LimitExceeded(
            "There are too many documents to look through within a request. Nothing has changed; do it "
            "at the command line: gql-service definition set, or platform mode."
        )


async def _named(transaction: Connection, examples: dict[str, str]) -> list[str]:
    found = await users.by_ids(transaction, list(examples))
    names = [user.username if user else id for user, id in zip(found, examples, strict=True)]
    return [f"{name} ({fault})" for name, fault in zip(names, examples.values(), strict=True)]


def plain(access: PlatformAccess, user_id: str, key: str, entry: Entry, keys: KeyRing) -> str | None:
    """The canonical text of a value; None where it cannot be decrypted."""
    if entry.text is not None:
        return entry.text
    try:
        place = Place(access.tenant_id, user_id, access.platform_id, key)
        return keys.decrypt(place, entry.ciphertext or "")
    except Undecipherable:
        return None
