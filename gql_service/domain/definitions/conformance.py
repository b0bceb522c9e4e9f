"""Finding the documents of a platform that do not conform to a definition or mode that is about to be set.

Who makes the change holds the platform exclusively, so that no document is written between the check and the
change. A dry run holds nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.users import rows as users
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.errors import LimitExceeded
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import contains_text
from gql_service.store.statement import Statement
from gql_service.store.tables import documents

_PAGE = 100
"""Documents per statement, counting those of all platforms, so that no statement takes long."""
_MAX_EXAMPLES = 3

_PAGE_OF_USERS = (
    select(documents.c.user_id)
    .where(documents.c.user_id > bindparam("after"))
    .order_by(documents.c.user_id)
    .limit(bindparam("size"))
    .subquery()
)
_LAST_OF_PAGE = Statement(select(func.max(_PAGE_OF_USERS.c.user_id)), scans=True)
_OF_PLATFORM = (
    select(*(documents.c[name] for name in MetadataDocument._fields))
    .where(
        documents.c.platform_id == bindparam("platform_id"),
        documents.c.user_id > bindparam("after"),
        documents.c.user_id <= bindparam("last"),
    )
    .order_by(documents.c.user_id)
)
_ALL = Statement(_OF_PLATFORM, scans=True)
_MENTIONING = Statement(
    _OF_PLATFORM.where(
        or_(contains_text(documents.c.metadata, "text"), contains_text(documents.c.attributes, "text"))
    ),
    scans=True,
)


class BrokenDocument(NamedTuple):
    """A document that does not conform."""

    username: str
    violation: str


class ConformanceReport(NamedTuple):
    """How many documents were checked, how many of them do not conform, and a few of these."""

    checked: int
    broken: int
    examples: list[BrokenDocument]


DocumentCheck = Callable[[MetadataDocument, Content], str | None]
"""Returns the violation of a document, or None if it conforms."""


async def check_conformance(
    transaction: Connection,
    access: PlatformAccess,
    check: DocumentCheck,
    *,
    key: str | None = None,
    seconds: float | None,
) -> ConformanceReport:
    """Check all documents of a platform or, if a key is passed, those that have it.

    Raises LimitExceeded if that takes longer than `seconds`.
    """
    checked = broken = 0
    examples = dict[str, str]()
    async for document in documents_of_platform(transaction, access.platform_id, key=key, seconds=seconds):
        content = document.content()
        checked += key is None or key in content
        if (violation := check(document, content)) is not None:
            broken += 1
            if len(examples) < _MAX_EXAMPLES:
                examples[document.user_id] = violation
    return ConformanceReport(checked, broken, await _with_usernames(transaction, examples))


async def documents_of_platform(
    transaction: Connection, platform_id: str, *, key: str | None, seconds: float | None
) -> AsyncIterator[MetadataDocument]:
    """All documents of a platform or, if a key is passed, those that have it, page by page.

    Raises LimitExceeded if that takes longer than `seconds`.
    """
    deadline, after = None if seconds is None else time.monotonic() + seconds, ""
    statement = _ALL if key is None else _MENTIONING
    parameters = {"platform_id": platform_id}
    if key is not None:
        parameters["text"] = f"{strict_json.dumps(key)}:"
    while (last := await _last_of_page(transaction, after)) is not None:
        rows = await transaction.fetch(statement, **parameters, after=after, last=last)
        for document in rows_as(MetadataDocument, rows):
            yield document
            _check_deadline(deadline)
        _check_deadline(deadline)
        after = last
        await asyncio.sleep(0)  # with SQLite, nothing else in this loop lets other tasks run


async def _last_of_page(transaction: Connection, after: str) -> str | None:
    ((user_id,),) = await transaction.fetch(_LAST_OF_PAGE, after=after, size=_PAGE)
    last: str | None = user_id
    return last


def _check_deadline(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise LimitExceeded(
            "The platform has too many documents to check within a request. Nothing has changed. Use the "
            "command line instead: gql-service definition set, or gql-service platform mode."
        )


async def _with_usernames(transaction: Connection, violations: dict[str, str]) -> list[BrokenDocument]:
    """Violations with usernames in place of user ids."""
    found = await users.by_ids(transaction, list(violations))
    names = [user.username if user else id for user, id in zip(found, violations, strict=True)]
    return [BrokenDocument(name, text) for name, text in zip(names, violations.values(), strict=True)]


def plaintext(access: PlatformAccess, user_id: str, key: str, entry: Entry, keys: KeyRing) -> str | None:
    """The canonical text of a value, decrypted if necessary; None if it cannot be decrypted."""
    if entry.text is not None:
        return entry.text
    context = CipherContext(access.tenant_id, user_id, access.platform_id, key)
    try:
        return keys.decrypt(context, entry.ciphertext or "")
    except Undecipherable:
        return None
