"""Idempotency keys: a write that is sent again within hours (`Retention.idempotency_max_age`) is done once.

What is stored of a write is enough to recognise its repetition and to say what it did: digest, revision and
key names, never values. A repetition is answered with the document as it is now. Clearing a document removes
the key names as well and leaves a tombstone, so that a repetition does not bring back what was cleared.
"""

import hashlib
from collections.abc import Callable, Sequence, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, Duplicate, LostRace
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import idempotency_keys

MAX_KEY_LENGTH = 255
"""Characters of a key that a client makes up."""
_FORMAT = 1
"""The version of the JSON in the column `response`."""

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
_CLEAR = Statement(
    update(idempotency_keys)
    .where(
        idempotency_keys.c.user_id == bindparam("of_user"),
        idempotency_keys.c.platform_id == bindparam("of_platform"),
    )
    .values(response=bindparam("response"))
)
_PRIMARY_KEY = idempotency_keys.c.user_id, idempotency_keys.c.platform_id, idempotency_keys.c.key
_IS_OLD = idempotency_keys.c.created_at <= bindparam("before")
_SWEEP_DOCUMENT = Statement(
    delete(idempotency_keys)
    .where(
        idempotency_keys.c.user_id == bindparam("of_user"),
        idempotency_keys.c.platform_id == bindparam("of_platform"),
        _IS_OLD,
    )
    .returning(idempotency_keys.c.key)
)
_SWEEP = Statement(
    delete(idempotency_keys)
    .where(
        _IS_OLD,
        tuple_(*_PRIMARY_KEY).in_(
            select(*_PRIMARY_KEY)
            .where(_IS_OLD)
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
    """What identifies a request: a key made up by the client, and a digest of all that is asked for."""

    key: str
    request: bytes
    """A SHA-256, 32 bytes."""


class WriteResult(NamedTuple):
    """What a write did."""

    document: MetadataDocument
    """The document after the write; if it was replayed, the document as it is now."""
    deleted_keys: Sequence[str]
    skipped_keys: Sequence[str] = ()
    """Keys that a restore has left as they are."""
    replayed: bool = False
    """Whether the write was done earlier, and this is a repetition of the same request."""
    changed: bool = False
    """Whether the document has a new revision."""


AnswerKey = tuple[str, str, str]
"""A user id, a platform id, and the sender's user id with the client's key: the primary key of an answer."""


class _StoredAnswer(NamedTuple):
    request: bytes
    response: str


def parse_key(key: str, *request: Any) -> IdempotencyKey:
    """The idempotency key of a request. Raises Rejected if the client's key is not valid."""
    if not 0 < len(key) <= MAX_KEY_LENGTH or "\0" in key:
        message = f"An idempotency key has 1 to {MAX_KEY_LENGTH} characters, without U+0000."
        raise Rejected(Problem.INVALID_KEY, message, ("idempotency_key",))
    return IdempotencyKey(key, hashlib.sha256(strict_json.dumps(list(request)).encode()).digest())


async def sweep(transaction: Connection, before: int, size: int) -> int:
    """Delete up to `size` answers up to an instant; returns how many."""
    return len(await transaction.fetch(_SWEEP, before=before, size=size))


async def sweep_document(transaction: Connection, document: DocumentKey, before: int) -> int:
    """Delete the answers about a document up to an instant; returns how many."""
    user, platform = document
    return len(await transaction.fetch(_SWEEP_DOCUMENT, of_user=user, of_platform=platform, before=before))


class StoredAnswers:
    """The answers that the writes of one transaction find and add."""

    def __init__(self, now: int, too_old: Callable[[str], int]) -> None:
        """`too_old` returns the instant, by platform id, up to which answers are not used any more."""
        self._now = now
        self._too_old = too_old
        self._stored: dict[AnswerKey, _StoredAnswer] = {}
        self._expired: list[AnswerKey] = []
        self._new: dict[AnswerKey, _StoredAnswer] = {}
        self._cleared: set[DocumentKey] = set()

    async def read(
        self, transaction: Connection, requests: Set[tuple[DocumentAccess, IdempotencyKey]]
    ) -> None:
        """Load the answers to earlier requests with these keys."""
        if not requests:
            return
        rows = await transaction.fetch(
            _FIND,
            user_ids={access.user_id for access, _ in requests},
            keys={_sender_and_key(access, key) for access, key in requests},
        )
        for user_id, platform_id, key, request, response, created_at in rows:
            answer_key = (user_id, platform_id, key)
            if created_at > self._too_old(platform_id):
                self._stored[answer_key] = _StoredAnswer(bytes(request), response)
            else:
                self._expired.append(answer_key)

    def find(
        self, access: DocumentAccess, key: IdempotencyKey, current: MetadataDocument
    ) -> WriteResult | None:
        """What the same request did before, with the document as it is now.

        Raises Rejected if the key was used for another request.
        """
        answer = self._stored.get(_answer_key(access, key))
        if answer is None:
            return None
        if answer.request != key.request:
            message = "This idempotency key was used for another request. Make up a new key for each request."
            raise Rejected(Problem.IDEMPOTENCY_KEY_REUSED, message, ("idempotency_key",))
        response = orjson.loads(answer.response)
        return WriteResult(
            current, response.get("deletedKeys", []), response.get("skippedKeys", []), replayed=True
        )

    def keep(self, access: DocumentAccess, key: IdempotencyKey, result: WriteResult) -> None:
        response = _response(result.document.revision, result.deleted_keys, result.skipped_keys)
        answer_key = _answer_key(access, key)
        self._new[answer_key] = self._stored[answer_key] = _StoredAnswer(key.request, response)

    def clear(self, document: DocumentKey) -> None:
        """Reduce all answers about a document to tombstones."""
        self._cleared.add(document)
        for answers in (self._stored, self._new):
            for (user_id, platform_id, key), answer in answers.items():
                if (user_id, platform_id) == document:
                    answers[user_id, platform_id, key] = answer._replace(response=_TOMBSTONE)

    async def store(self, transaction: Connection) -> None:
        """Store what was added. Raises LostRace if the same request was answered by another transaction."""
        await transaction.execute_many(
            _CLEAR,
            [
                {"of_user": user, "of_platform": platform, "response": _TOMBSTONE}
                for user, platform in self._cleared
            ],
        )
        await transaction.execute_many(
            _DELETE,
            [
                {"of_user": user, "of_platform": platform, "of_key": key}
                for user, platform, key in self._expired
            ],
        )
        rows = [
            {
                "user_id": user,
                "platform_id": platform,
                "key": key,
                "request": answer.request,
                "response": answer.response,
                "created_at": self._now,
            }
            for (user, platform, key), answer in self._new.items()
        ]
        try:
            await transaction.execute_many(_INSERT, rows)
        except Duplicate as error:
            raise LostRace from error


def _response(revision: int, deleted_keys: Sequence[str], skipped_keys: Sequence[str]) -> str:
    return strict_json.dumps(
        {
            "format": _FORMAT,
            "revision": revision,
            "deletedKeys": list(deleted_keys),
            "skippedKeys": list(skipped_keys),
        }
    )


_TOMBSTONE = strict_json.dumps({"format": _FORMAT})


def _sender_and_key(access: DocumentAccess, key: IdempotencyKey) -> str:
    return f"{access.actor_id}:{key.key}"


def _answer_key(access: DocumentAccess, key: IdempotencyKey) -> AnswerKey:
    return (*access.key, _sender_and_key(access, key))
