"""Moving what is encrypted to the active key: ciphertexts, the digests they are found by, repeated answers.

Nothing is written that a reader could see: no revision, no history, no instant. What is moved already is
passed over, so that whatever interrupts it, it can be done again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Text, bindparam, cast, func, select, tuple_, update
from sqlalchemy.sql.elements import Tuple

from gql_service import strict_json
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.documents.rows import Document
from gql_service.domain.values.encryption import KeyRing, Place, Undecipherable
from gql_service.domain.writes.idempotency import KEPT
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import bytewise
from gql_service.store.statement import Statement

_documents, _answers, _index = tables.documents, tables.idempotency_keys, tables.metadata_index


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
_ANSWER_OF = bytewise(_answers.c.user_id), bytewise(_answers.c.platform_id), bytewise(_answers.c.key)
_ANSWERS = Statement(
    select(
        _answers.c.user_id,
        _answers.c.platform_id,
        _answers.c.key,
        func.coalesce(tables.platforms.c.tenant_id, tables.users.c.tenant_id),
        _answers.c.created_at,
        _answers.c.response,
    )
    .join(tables.users, tables.users.c.id == _answers.c.user_id)
    .outerjoin(tables.platforms, tables.platforms.c.id == _answers.c.platform_id)
    .where(
        cast(_answers.c.response, Text).contains("ciphertext"),
        tuple_(*_ANSWER_OF) > _after("user", "platform", "key"),
    )
    .order_by(*_ANSWER_OF)
    .limit(bindparam("size")),
    scans=True,
)
_REWRITE = Statement(
    update(_answers)
    .where(
        _answers.c.user_id == bindparam("of_user"),
        _answers.c.platform_id == bindparam("of_platform"),
        _answers.c.key == bindparam("of_key"),
        _answers.c.created_at == bindparam("of_instant"),
    )
    .values(response=bindparam("response"))
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

    def encrypted(self) -> Iterator[tuple[Place, Entry]]:
        """The encrypted entries."""
        return _encrypted(Content("{}", self.conditions, self.attributes, 0), self[:3])


class Repeated(NamedTuple):
    """An answer that is kept in order to be repeated, and may tell something encrypted."""

    user_id: str
    platform_id: str
    key: str
    tenant_id: str
    created_at: int
    response: str

    def document(self) -> Document:
        return Document(self.user_id, self.platform_id, *orjson.loads(self.response)["document"])

    def encrypted(self) -> Iterator[tuple[Place, Entry]]:
        """The encrypted entries it tells of."""
        return _encrypted(self.document().content(), (self.user_id, self.platform_id, self.tenant_id))


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


async def answers(connection: Connection, after: tuple[str, str, str], size: int) -> list[Repeated]:
    """The next answers in the order of (user id, platform id, key); three empty texts come before all."""
    user, platform, key = after
    rows = await connection.fetch(
        _ANSWERS, after_user=user, after_platform=platform, after_key=key, size=size
    )
    return rows_as(Repeated, rows)


async def move_document(transaction: Connection, holder: Holder, keys: KeyRing) -> Moved:
    """Encrypt the entries of a document under the active key, as they are now, whatever was read before."""
    key = (holder.user_id, holder.platform_id)
    await transaction.lock({holder.platform_id} - {""}, exclusive=False)
    (document,) = (await documents.lock(transaction, {key})).values()
    content = document.content()
    found, failed = _move(content, holder[:3], keys)
    if found.moved:
        changed = document._replace(**content.encode())
        await documents.store(transaction, [changed], {key: document})
    digests = await _move_digests(transaction, found.texts, keys)
    return Moved(found.moved, digests, failed)


async def move_answer(transaction: Connection, answer: Repeated, keys: KeyRing) -> int:
    """Encrypt what an answer tells under the active key; how many entries that were."""
    response, document = orjson.loads(answer.response), answer.document()
    content = document.content()
    found, _ = _move(content, (answer.user_id, answer.platform_id, answer.tenant_id), keys)
    if found.moved:
        changed = document._replace(**content.encode())
        await transaction.execute(
            _REWRITE,
            of_user=answer.user_id,
            of_platform=answer.platform_id,
            of_key=answer.key,
            of_instant=answer.created_at,
            response=strict_json.dumps(response | {"document": changed[2:]}),
        )
    return found.moved


def needed(holders: Sequence[Holder | Repeated], keys: KeyRing, now: int) -> list[str]:
    """The ids of other keys than the active one that something is encrypted with, one for each entry."""
    return [
        (entry.ciphertext or "").partition(":")[0]
        for holder in holders
        if isinstance(holder, Holder) or holder.created_at > now - KEPT
        for _, entry in holder.encrypted()
        if not keys.is_current(entry.ciphertext or "")
    ]


class _Found(NamedTuple):
    moved: int
    texts: Mapping[Place, str]
    """What the encrypted entries say that are indexed."""


def _move(content: Content, whose: tuple[str, str, str], keys: KeyRing) -> tuple[_Found, Mapping[str, str]]:
    moved, texts, failed = 0, dict[Place, str](), dict[str, str]()
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


async def _move_digests(transaction: Connection, texts: Mapping[Place, str], keys: KeyRing) -> int:
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


def _encrypted(content: Content, whose: tuple[str, str, str]) -> Iterator[tuple[Place, Entry]]:
    user_id, platform_id, tenant_id = whose
    for key in content.encrypted():
        entry = content.get(key)
        if entry is not None:
            yield Place(tenant_id, user_id, platform_id, key), entry
