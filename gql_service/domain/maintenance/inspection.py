"""Facts about the database itself: its version, its clock, its migration, and its encrypted values."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, cast, column, func, literal, select, table

from gql_service.domain.maintenance import key_rotation
from gql_service.domain.values.encryption import KeyRing, Undecipherable
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.store.statement import Statement

_SQLITE_VERSION = Statement(select(func.sqlite_version()))
_POSTGRES_VERSION = Statement(select(func.current_setting(literal("server_version", Text))))
_POSTGRES_CLOCK = Statement(select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)))
_REVISION = Statement(select(column("version_num")).select_from(table("alembic_version")))


async def version(connection: Connection, kind: str) -> str:
    """The version of the database server, or of the SQLite library."""
    ((text,),) = await connection.fetch(_SQLITE_VERSION if kind == "SQLite" else _POSTGRES_VERSION)
    return str(text)


async def clock(connection: Connection) -> int:
    """The time by the clock of a PostgreSQL server, in milliseconds since 1970. SQLite has no clock."""
    ((milliseconds,),) = await connection.fetch(_POSTGRES_CLOCK)
    return int(milliseconds)


async def revision(connection: Connection) -> str | None:
    """The migration of the database, which must have been migrated once."""
    rows = await connection.fetch(_REVISION)
    return str(rows[0][0]) if rows else None


class EncryptedValues(NamedTuple):
    """How many values are encrypted, and why some of them cannot be decrypted."""

    total: int
    failures: Counter[str]
    """Numbers of values by reason."""


async def check_encrypted_values(database: Database, keys: KeyRing) -> EncryptedValues:
    """Decrypt every encrypted value."""
    total, failures = 0, Counter[str]()
    async for document in key_rotation.all_encrypted_documents(database):
        for context, entry in document.encrypted():
            total += 1
            try:
                keys.decrypt(context, entry.ciphertext or "")
            except Undecipherable as error:
                failures[str(error)] += 1
    return EncryptedValues(total, failures)
