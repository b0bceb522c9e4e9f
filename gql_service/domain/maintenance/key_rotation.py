"""Key rotation: encrypting values, and their digests in the index, under the active key.

Readers see no difference: revisions, history and timestamps stay as they are. Values under the active key are
skipped, so that an interrupted rotation can be run again.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, select, tuple_, update
from sqlalchemy.sql.elements import Tuple

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.database import Database
from gql_service.store.sql_functions import bytewise
from gql_service.store.statement import Statement

_PAGE_SIZE = 100
_documents, _index = tables.documents, tables.metadata_index


_Owner = tuple[str, str, str]
"""The ids of a user, a platform and a tenant."""


def _after(*columns: str) -> Tuple:
    return tuple_(*[bindparam(f"after_{name}", type_=Text) for name in columns])


class EncryptedDocument(NamedTuple):
    """A document that may have encrypted entries, and what they are encrypted for."""

    user_id: str
    platform_id: str
    tenant_id: str
    username: str
    platform_key: str | None
    conditions: str
    attributes: str

    def encrypted(self) -> Iterator[tuple[CipherContext, Entry]]:
        """The encrypted entries."""
        content = Content("{}", self.conditions, self.attributes, 0)
        return _encrypted(content, (self.user_id, self.platform_id, self.tenant_id))


_COLUMNS = {
    "user_id": _documents.c.user_id,
    "platform_id": _documents.c.platform_id,
    "tenant_id": func.coalesce(tables.platforms.c.tenant_id, tables.users.c.tenant_id),
    "username": tables.users.c.username,
    "platform_key": tables.platforms.c.key,
    "conditions": _documents.c.conditions,
    "attributes": _documents.c.attributes,
}
_ORDER = bytewise(_documents.c.user_id), bytewise(_documents.c.platform_id)
_PAGE = Statement(
    select(*(_COLUMNS[name] for name in EncryptedDocument._fields))
    .select_from(_documents)
    .join(tables.users, tables.users.c.id == _documents.c.user_id)
    .outerjoin(tables.platforms, tables.platforms.c.id == _documents.c.platform_id)
    .where(_documents.c.conditions.is_not(None), tuple_(*_ORDER) > _after("user", "platform"))
    .order_by(*_ORDER)
    .limit(bindparam("size")),
    scans=True,
)
_COUNT = Statement(
    select(func.count()).select_from(_documents).where(_documents.c.conditions.is_not(None)), scans=True
)
_DIGESTS = Statement(
    select(_index.c.key, _index.c.equality).where(
        _index.c.user_id == bindparam("of_user"),
        _index.c.platform_id == bindparam("of_platform"),
        _index.c.encrypted,
    )
)
_REINDEX = Statement(
    update(_index)
    .where(
        _index.c.user_id == bindparam("of_user"),
        _index.c.platform_id == bindparam("of_platform"),
        _index.c.key == bindparam("of_key"),
    )
    .values(equality=bindparam("equality"))
)


class RotationResult(NamedTuple):
    """What was done to one document."""

    entries: int
    """Entries that were encrypted again."""
    digests: int
    """Digests of the search index that were replaced."""
    failed: Mapping[str, str]
    """Why entries could not be decrypted, by their metadata keys."""


async def count(connection: Connection) -> int:
    """How many documents may have encrypted entries."""
    ((number,),) = await connection.fetch(_COUNT)
    return int(number)


async def encrypted_documents(
    connection: Connection, after: tuple[str, str], size: int
) -> list[EncryptedDocument]:
    """The next documents in the order of (user id, platform id); ("", "") is before the first one."""
    user, platform = after
    rows = await connection.fetch(_PAGE, after_user=user, after_platform=platform, size=size)
    return rows_as(EncryptedDocument, rows)


async def all_encrypted_documents(database: Database) -> AsyncIterator[EncryptedDocument]:
    """All documents that may have encrypted entries, read page by page."""
    after = ("", "")
    while True:
        async with database.read() as connection:
            page = await encrypted_documents(connection, after, _PAGE_SIZE)
        for document in page:
            yield document
        if len(page) < _PAGE_SIZE:
            return
        after = (page[-1].user_id, page[-1].platform_id)


async def rotate_document(
    transaction: Connection, encrypted: EncryptedDocument, keys: KeyRing
) -> RotationResult:
    """Encrypt the entries of a document under the active key, after locking and reading it again."""
    key = (encrypted.user_id, encrypted.platform_id)
    await transaction.lock({encrypted.platform_id} - {""}, exclusive=False)
    (document,) = (await documents.lock(transaction, {key})).values()
    content = document.content()
    found, failed = _reencrypt(content, (*key, encrypted.tenant_id), keys)
    if found.number:
        changed = document._replace(**content.encode(document.revision))
        await documents.store(transaction, [changed], {key: document})
    digests = await _rotate_digests(transaction, found.texts, keys)
    return RotationResult(found.number, digests, failed)


def needed_keys(document: EncryptedDocument, keys: KeyRing) -> list[str]:
    """The encryption key id of each entry that is encrypted with another key than the active one."""
    return [
        (entry.ciphertext or "").partition(":")[0]
        for _, entry in document.encrypted()
        if not keys.is_current(entry.ciphertext or "")
    ]


class _Reencrypted(NamedTuple):
    number: int
    """Entries that were encrypted again."""
    texts: Mapping[CipherContext, str]
    """The values of the encrypted entries that are indexed."""


def _reencrypt(content: Content, owner: _Owner, keys: KeyRing) -> tuple[_Reencrypted, Mapping[str, str]]:
    """Encrypt the entries of a content under the active key; returns also why some could not be decrypted."""
    count, texts, failed = 0, dict[CipherContext, str](), dict[str, str]()
    for context, entry in _encrypted(content, owner):
        try:
            text = keys.decrypt(context, entry.ciphertext or "")
        except Undecipherable as error:
            failed[context.key] = str(error)
            continue
        if entry.is_indexed:
            texts[context] = text
        if not keys.is_current(entry.ciphertext or ""):
            content.put(context.key, entry._replace(ciphertext=keys.encrypt(context, text)))
            count += 1
    return _Reencrypted(count, texts), failed


async def _rotate_digests(transaction: Connection, texts: Mapping[CipherContext, str], keys: KeyRing) -> int:
    """Index the entries of one document by digests under the active key; returns how many were replaced."""
    if not texts:
        return 0
    document = next(iter(texts))
    rows = await transaction.fetch(_DIGESTS, of_user=document.user_id, of_platform=document.platform_id)
    stored = {key: bytes(digest) for key, digest in rows}
    current = {context.key: keys.equality_digest(context, text) for context, text in texts.items()}
    replaced = [
        {
            "of_user": document.user_id,
            "of_platform": document.platform_id,
            "of_key": key,
            "equality": digest,
        }
        for key, digest in current.items()
        if key in stored and stored[key] != digest
    ]
    await transaction.execute_many(_REINDEX, replaced)
    return len(replaced)


def _encrypted(content: Content, owner: _Owner) -> Iterator[tuple[CipherContext, Entry]]:
    user_id, platform_id, tenant_id = owner
    for key in content.encrypted():
        entry = content.get(key)
        if entry is not None:
            yield CipherContext(tenant_id, user_id, platform_id, key), entry
