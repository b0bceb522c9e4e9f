"""Writes that may be sent again: the first answer is kept for a day, and given again to the same request."""

import hashlib
from collections.abc import Sequence, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, tuple_

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents import entries
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, Duplicate, LostRace
from gql_service.store.sql_functions import among
from gql_service.store.statement import Statement
from gql_service.store.tables import idempotency_keys

RETENTION = 24 * 3600 * 1000
"""Milliseconds for which an answer is kept."""
_MAX_KEY = 255

_INSERT = Statement(insert(idempotency_keys))
_FIND = Statement(
    select(
        idempotency_keys.c.user_id,
        idempotency_keys.c.platform_id,
        idempotency_keys.c.key,
        idempotency_keys.c.request,
        idempotency_keys.c.response,
        idempotency_keys.c.created_at,
    ).where(among(idempotency_keys.c.user_id, "user_ids"), among(idempotency_keys.c.key, "keys"))
)
_FORGET = Statement(
    delete(idempotency_keys).where(
        idempotency_keys.c.user_id == bindparam("of_user"),
        idempotency_keys.c.platform_id == bindparam("of_platform"),
    )
)
_PRIMARY = tuple_(idempotency_keys.c.user_id, idempotency_keys.c.platform_id, idempotency_keys.c.key)
_OLD = idempotency_keys.c.created_at <= bindparam("before")
_SWEEP = Statement(
    delete(idempotency_keys)
    .where(
        _OLD,
        _PRIMARY.in_(
            select(idempotency_keys.c.user_id, idempotency_keys.c.platform_id, idempotency_keys.c.key)
            .where(_OLD)
            .order_by(idempotency_keys.c.created_at)
            .limit(bindparam("size"))
        ),
    )
    .returning(idempotency_keys.c.key)
)
_DELETE = Statement(
    delete(idempotency_keys).where(
        idempotency_keys.c.user_id == bindparam("of_user"),
        idempotency_keys.c.platform_id == bindparam("of_platform"),
        idempotency_keys.c.key == bindparam("of_key"),
    )
)


class IdempotencyKey(NamedTuple):
    """What makes a request the same as another: a key the client has made up, and what is asked for."""

    key: str
    request: bytes
    """32 bytes: a digest of everything that is asked for."""


class WriteResult(NamedTuple):
    """What was answered to a write."""

    document: MetadataDocument
    deleted_keys: list[str]
    skipped_keys: Sequence[str] = ()
    """Those that a restoration has left as they are."""


class _StoredAnswer(NamedTuple):
    request: bytes
    response: str


AnswerKey = tuple[str, str, str]
"""The ids of a user and a platform, and a key with the id of who sent it."""


def parse_key(key: str, *request: Any) -> IdempotencyKey:
    """Raises Rejected where the key is not one."""
    if not 0 < len(key) <= _MAX_KEY or "\0" in key:
        message = f"An idempotency key is 1 to {_MAX_KEY} characters."
        raise Rejected(Problem.INVALID_KEY, message, ("idempotency_key",))
    return IdempotencyKey(key, hashlib.sha256(strict_json.dumps(list(request)).encode()).digest())


async def sweep(transaction: Connection, now: int, size: int) -> int:
    """Delete some answers that nobody can ask for any more; returns how many."""
    return len(await transaction.fetch(_SWEEP, before=now - RETENTION, size=size))


class StoredAnswers:
    """The answers given so far to the writes of one transaction."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._stored: dict[AnswerKey, _StoredAnswer] = {}
        self._stale: list[AnswerKey] = []
        self._new: dict[AnswerKey, _StoredAnswer] = {}
        self._forgotten: set[DocumentKey] = set()

    async def read(self, transaction: Connection, asked: Set[tuple[DocumentAccess, IdempotencyKey]]) -> None:
        """What was answered to requests with these keys."""
        if not asked:
            return
        rows = await transaction.fetch(
            _FIND,
            user_ids={access.user_id for access, _ in asked},
            keys={_key(access, idempotency_key) for access, idempotency_key in asked},
        )
        for user_id, platform_id, key, request, response, created_at in rows:
            place = (user_id, platform_id, key)
            if created_at > self._now - RETENTION:
                self._stored[place] = _StoredAnswer(bytes(request), response)
            else:
                self._stale.append(place)

    def find(self, access: DocumentAccess, idempotency_key: IdempotencyKey) -> WriteResult | None:
        """The answer to the same request. Raises Rejected where the key belongs to another one."""
        found = self._stored.get(_place(access, idempotency_key))
        if found is None:
            return None
        if found.request != idempotency_key.request:
            message = "This idempotency key was used for another request; make up a new one."
            raise Rejected(Problem.IDEMPOTENCY_KEY_REUSED, message, ("idempotency_key",))
        response = orjson.loads(found.response)
        document = MetadataDocument(*access.key, *response["document"])
        return WriteResult(document, response["deletedKeys"], response["skippedKeys"])

    def keep(self, access: DocumentAccess, idempotency_key: IdempotencyKey, answer: WriteResult) -> None:
        response = {
            "document": answer.document[2:],
            "deletedKeys": answer.deleted_keys,
            "skippedKeys": answer.skipped_keys,
        }
        stored = _StoredAnswer(idempotency_key.request, strict_json.dumps(response))
        self._new[_place(access, idempotency_key)] = self._stored[_place(access, idempotency_key)] = stored

    def forget(self, document: DocumentKey) -> None:
        """What was answered about a document may contain what is to be forgotten."""
        self._forgotten.add(document)
        for answers in (self._stored, self._new):
            for place in [place for place in answers if place[:2] == document]:
                del answers[place]

    async def store(self, transaction: Connection) -> None:
        """Raises LostRace where the same request was answered meanwhile."""
        gone = [{"of_user": user, "of_platform": platform} for user, platform in self._forgotten]
        await transaction.execute_many(_FORGET, gone)
        stale = [
            {"of_user": user, "of_platform": platform, "of_key": key} for user, platform, key in self._stale
        ]
        await transaction.execute_many(_DELETE, stale)
        rows = [
            {
                "user_id": user,
                "platform_id": platform,
                "key": key,
                "request": stored.request,
                "response": stored.response,
                "created_at": self._now,
            }
            for (user, platform, key), stored in self._new.items()
        ]
        try:
            await transaction.execute_many(_INSERT, rows)
        except Duplicate as error:
            raise LostRace from error


def anonymized(response: str, user_id: str) -> str:
    """An answer that is kept, without that it was this user who wrote entries of the document."""
    told = orjson.loads(response)
    told["document"][-1] = entries.anonymized(told["document"][-1], user_id)
    return strict_json.dumps(told)


def _key(access: DocumentAccess, idempotency_key: IdempotencyKey) -> str:
    return f"{access.actor_id}:{idempotency_key.key}"


def _place(access: DocumentAccess, idempotency_key: IdempotencyKey) -> AnswerKey:
    return (*access.key, _key(access, idempotency_key))
