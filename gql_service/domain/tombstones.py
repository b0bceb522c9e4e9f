"""Ids and keys that were given out once and never will be again: digests of those that were deleted.

Identities of an issuer are here as well: they are not linked by themselves again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from sqlalchemy import LargeBinary, bindparam, insert, select

from gql_service import strict_json
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import tombstones
from gql_service.store.upsert import DoNothing


class Grave(Enum):
    """What an id or key has identified. Each kind has ids of its own."""

    USER_ID = "user"
    TENANT_ID = "tenant"
    PLATFORM_ID = "platform"
    PLATFORM_KEY = "platform key"
    IDENTITY = "identity"


_INSERT = Statement(insert(tombstones).values(digest=bindparam("digest", type_=LargeBinary)).ext(DoNothing()))
_FIND = Statement(
    select(tombstones.c.digest).where(tombstones.c.digest == bindparam("digest", type_=LargeBinary))
)
_AFTER = Statement(
    select(tombstones)
    .where(tombstones.c.digest > bindparam("after", type_=LargeBinary))
    .order_by(tombstones.c.digest)
    .limit(bindparam("size"))
)
_ANY = Statement(select(tombstones.c.digest).limit(1))


class Tombstone(NamedTuple):
    """The digest of an id or a key, with its kind."""

    digest: bytes


async def bury(transaction: Connection, dead: Iterable[tuple[Grave, str]]) -> None:
    """Remember that these ids and keys are not to be given out again."""
    await transaction.execute_many(_INSERT, [{"digest": _digest(kind, id)} for kind, id in dead])


async def is_buried(connection: Connection, kind: Grave, id: str) -> bool:
    """Whether an id or key was deleted."""
    return bool(await connection.fetch(_FIND, digest=_digest(kind, id)))


async def all_buried(connection: Connection, named: Sequence[tuple[Grave, str]]) -> set[str]:
    """Those of the ids and keys that were deleted."""
    if not named or not await connection.fetch(_ANY):
        return set()
    return {id for kind, id in named if await is_buried(connection, kind, id)}


async def after(connection: Connection, digest: bytes, size: int) -> list[Tombstone]:
    """The next tombstones after a digest, in the order of their bytes."""
    return rows_as(Tombstone, await connection.fetch(_AFTER, after=digest, size=size))


async def stored(connection: Connection, wanted: Iterable[Tombstone]) -> list[Tombstone]:
    """Those of the tombstones that are stored."""
    return [each for each in wanted if await connection.fetch(_FIND, digest=each.digest)]


async def insert_tombstones(transaction: Connection, new: Iterable[Tombstone]) -> None:
    """Store tombstones from an export."""
    await transaction.execute_many(_INSERT, [each._asdict() for each in new])


def _digest(kind: Grave, id: str) -> bytes:
    return hashlib.sha256(strict_json.dumps([kind.value, id]).encode()).digest()
