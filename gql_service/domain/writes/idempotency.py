"""Writes that may be sent again: the first answer is kept for a day, and given again to the same request."""

import hashlib
from collections.abc import Sequence, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, tuple_

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents import entries
from gql_service.domain.documents.rows import Document, Key
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, Duplicate, LostRace
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import idempotency_keys

KEPT = 24 * 3600 * 1000
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
    ).where(any_of(idempotency_keys.c.user_id, "user_ids"), any_of(idempotency_keys.c.key, "keys"))
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


class Once(NamedTuple):
    """What makes a request the same as another: a key the client has made up, and what is asked for."""

    key: str
    request: bytes
    """32 bytes: a digest of everything that is asked for."""


class Answer(NamedTuple):
    """What was answered to a write."""

    document: Document
    deleted_keys: list[str]
    skipped_keys: Sequence[str] = ()
    """Those that a restoration has left as they are."""


class _Stored(NamedTuple):
    request: bytes
    response: str


Place = tuple[str, str, str]
"""The ids of a user and a platform, and a key with the id of who sent it."""


def once(key: str, *request: Any) -> Once:
    """Raises Rejected where the key is not one."""
    if not 0 < len(key) <= _MAX_KEY or "\0" in key:
        message = f"An idempotency key is 1 to {_MAX_KEY} characters."
        raise Rejected(Problem.INVALID_KEY, message, ("idempotency_key",))
    return Once(key, hashlib.sha256(strict_json.dumps(list(request)).encode()).digest())


async def sweep(transaction: Connection, now: int, size: int) -> int:
    """Delete some answers that nobody can ask for any more; returns how many."""
    return len(await transaction.fetch(_SWEEP, before=now - KEPT, size=size))


class Answers:
    """The answers given so far to the writes of one transaction."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._stored: dict[Place, _Stored] = {}
        self._stale: list[Place] = []
        self._new: dict[Place, _Stored] = {}
        self._forgotten: set[Key] = set()

    async def read(self, transaction: Connection, asked: Set[tuple[DocumentAccess, Once]]) -> None:
        """What was answered to requests with these keys."""
        if not asked:
            return
        rows = await transaction.fetch(
            _FIND,
            user_ids={access.user_id for access, _ in asked},
            keys={_key(access, once) for access, once in asked},
        )
        for user_id, platform_id, key, request, response, created_at in rows:
            place = (user_id, platform_id, key)
            if created_at > self._now - KEPT:
                self._stored[place] = _Stored(bytes(request), response)
            else:
                self._stale.append(place)

    def find(self, access: DocumentAccess, once: Once) -> Answer | None:
        """The answer to the same request. Raises Rejected where the key belongs to another one."""
        found = self._stored.get(_place(access, once))
        if found is None:
            return None
        if found.request != once.request:
            message = "This idempotency key was used for another request; make up a new one."
            raise Rejected(Problem.IDEMPOTENCY_KEY_REUSED, message, ("idempotency_key",))
        response = orjson.loads(found.response)
        document = Document(*access.key, *response["document"])
        return Answer(document, response["deletedKeys"], response["skippedKeys"])

    def keep(self, access: DocumentAccess, once: Once, answer: Answer) -> None:
        response = {
            "document": answer.document[2:],
            "deletedKeys": answer.deleted_keys,
            "skippedKeys": answer.skipped_keys,
        }
        stored = _Stored(once.request, strict_json.dumps(response))
        self._new[_place(access, once)] = self._stored[_place(access, once)] = stored

    def forget(self, document: Key) -> None:
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


def unsigned(response: str, user_id: str) -> str:
    """An answer that is kept, without that it was this user who wrote entries of the document."""
    told = orjson.loads(response)
    told["document"][-1] = entries.unsigned(told["document"][-1], user_id)
    return strict_json.dumps(told)


def _key(access: DocumentAccess, once: Once) -> str:
    return f"{access.actor_id}:{once.key}"


def _place(access: DocumentAccess, once: Once) -> Place:
    return (*access.key, _key(access, once))
