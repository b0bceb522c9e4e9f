"""Moving what is encrypted to the active key: ciphertexts, and the digests they are found by.

Nothing is written that a reader could see: no revision, no history, no instant. What is moved already is
passed over, so that whatever interrupts it, it can be done again.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, select, tuple_, update
from sqlalchemy.sql.elements import Tuple

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import bytewise
from gql_service.store.statement import Statement

_documents, _index = tables.documents, tables.metadata_index


def _after(*columns: str) -> Tuple:
    return tuple_(*[bindparam(f"after_{name}", type_=Text) for name in columns])


_OF = bytewise(_documents.c.user_id), bytewise(_documents.c.platform_id)
_PAGE = Statement(
    select(
        _documents.c.user_id,
        _documents.c.platform_id,
        func.coalesce(tables.platforms.c.tenant_id, tables.users.c.tenant_id),
        tables.users.c.username,
        tables.platforms.c.key,
        _documents.c.conditions,
        _documents.c.attributes,
    )
    .join(tables.users, tables.users.c.id == _documents.c.user_id)
    .outerjoin(tables.platforms, tables.platforms.c.id == _documents.c.platform_id)
    .where(_documents.c.conditions.is_not(None), tuple_(*_OF) > _after("user", "platform"))
    .order_by(*_OF)
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


class Holder(NamedTuple):
    """A document that may have something encrypted, and whose it is."""

    user_id: str
    platform_id: str
    tenant_id: str
    username: str
    platform_key: str | None
    conditions: str
    attributes: str

    def encrypted(self) -> Iterator[tuple[CipherContext, Entry]]:
        """The encrypted entries."""
        return _encrypted(Content("{}", self.conditions, self.attributes, 0), self[:3])


class Moved(NamedTuple):
    """What was done to one document: entries encrypted and digests computed anew; what failed, by key."""

    entries: int
    digests: int
    failed: Mapping[str, str]


async def count(connection: Connection) -> int:
    """How many documents may have something encrypted."""
    return int((await connection.fetch(_COUNT))[0][0])


async def holders(connection: Connection, after: tuple[str, str], size: int) -> list[Holder]:
    """The next documents in the order of (user id, platform id); ("", "") comes before all."""
    user, platform = after
    rows = await connection.fetch(_PAGE, after_user=user, after_platform=platform, size=size)
    return rows_as(Holder, rows)


async def move_document(transaction: Connection, holder: Holder, keys: KeyRing) -> Moved:
    """Encrypt the entries of a document under the active key, as they are now, whatever was read before."""
    key = (holder.user_id, holder.platform_id)
    await transaction.hold({holder.platform_id} - {""}, alone=False)
    (document,) = (await documents.lock(transaction, {key})).values()
    content = document.content()
    found, failed = _move(content, holder[:3], keys)
    if found.moved:
        changed = document._replace(**content.encode())
        await documents.store(transaction, [changed], {key: document})
    digests = await _move_digests(transaction, found.texts, keys)
    return Moved(found.moved, digests, failed)


def needed(holder: Holder, keys: KeyRing) -> list[str]:
    """The ids of other keys than the active one, one for each entry that is encrypted with it."""
    return [
        (entry.ciphertext or "").partition(":")[0]
        for _, entry in holder.encrypted()
        if not keys.is_current(entry.ciphertext or "")
    ]


class _Found(NamedTuple):
    moved: int
    texts: Mapping[CipherContext, str]
    """What the encrypted entries say that are indexed."""


def _move(content: Content, whose: tuple[str, str, str], keys: KeyRing) -> tuple[_Found, Mapping[str, str]]:
    moved, texts, failed = 0, dict[CipherContext, str](), dict[str, str]()
    for place, entry in _encrypted(content, whose):
        try:
            text = keys.decrypt(place, entry.ciphertext or "")
        except Undecipherable as error:
            failed[place.key] = str(error)
            continue
        if entry.is_indexed:
            texts[place] = text
        if not keys.is_current(entry.ciphertext or ""):
            content.put(place.key, entry._replace(ciphertext=keys.encrypt(place, text)))
            moved += 1
    return _Found(moved, texts), failed


async def _move_digests(transaction: Connection, texts: Mapping[CipherContext, str], keys: KeyRing) -> int:
    """Have entries found by digests under the active key; how many there were of another."""
    if not texts:
        return 0
    whose = next(iter(texts))
    rows = await transaction.fetch(_DIGESTS, of_user=whose.user_id, of_platform=whose.platform_id)
    stored = {key: bytes(digest) for key, digest in rows}
    right = {place.key: keys.equality(place, text) for place, text in texts.items()}
    changed = [key for key, digest in right.items() if key in stored and stored[key] != digest]
    of = {"of_user": whose.user_id, "of_platform": whose.platform_id}
    await transaction.execute_many(
        _REINDEX, [of | {"of_key": key, "equality": right[key]} for key in changed]
    )
    return len(changed)


def _encrypted(content: Content, whose: tuple[str, str, str]) -> Iterator[tuple[CipherContext, Entry]]:
    user_id, platform_id, tenant_id = whose
    for key in content.encrypted():
        entry = content.get(key)
        if entry is not None:
            yield CipherContext(tenant_id, user_id, platform_id, key), entry
