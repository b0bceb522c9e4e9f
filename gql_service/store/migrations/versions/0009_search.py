"""Searches that ignore case, find members of arrays and values at paths, and sort.

What is indexed already gets the new digests and the rows of its members. That reads the documents that have
indexed texts and arrays, some hundred at a time. Paths have no rows yet: no definition declares any.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from gql_service import strict_json

revision = "0009"
down_revision = "0008"

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BATCH = 500
_MAX_MEMBERS = 100
_ENTRIES = sa.text(
    "SELECT i.user_id, i.platform_id, i.key, i.valid_from, i.valid_until, CAST(d.metadata AS TEXT), "
    "CAST(d.conditions AS TEXT), CAST(d.attributes AS TEXT) "
    "FROM metadata_index i JOIN documents d ON d.user_id = i.user_id AND d.platform_id = i.platform_id "
    "WHERE NOT i.encrypted AND i.number_value IS NULL "
    "AND (i.user_id, i.platform_id, i.key) > (:user_id, :platform_id, :key) "
    "ORDER BY i.user_id, i.platform_id, i.key LIMIT :size"
)
_FOLD = sa.text(
    "UPDATE metadata_index SET folded = :folded "
    "WHERE user_id = :user_id AND platform_id = :platform_id AND key = :key"
)
_ADD_MEMBER = sa.text(
    "INSERT INTO metadata_index_parts "
    "(user_id, platform_id, key, path, equality, is_member, valid_from, valid_until) "
    "VALUES (:user_id, :platform_id, :key, '', :equality, true, :valid_from, :valid_until)"
)


def upgrade() -> None:
    _create_tables()
    connection = op.get_bind()
    last = {"user_id": "", "platform_id": "", "key": ""}
    while rows := connection.execute(_ENTRIES, {**last, "size": _BATCH}).all():
        _index(connection, rows)
        last = dict(zip(last, rows[-1][:3], strict=True))


def _index(connection: sa.Connection, rows: Sequence[Any]) -> None:
    """Index entries by two statements: each takes a round trip to PostgreSQL."""
    folds, members = list[dict[str, Any]](), list[dict[str, Any]]()
    for row in rows:
        _derive(row, folds, members)
    for statement, parameters in ((_FOLD, folds), (_ADD_MEMBER, members)):
        if parameters:
            connection.execute(statement, parameters)


def _derive(row: Any, folds: list[dict[str, Any]], members: list[dict[str, Any]]) -> None:
    user_id, platform_id, key, valid_from, valid_until, metadata, conditions, attributes = row
    values, others = orjson.loads(metadata), orjson.loads(conditions or "{}")
    value = values[key] if key in values else orjson.loads(others.get(key, {}).get("text", "null"))
    type_ = orjson.loads(attributes).get(key, {}).get("type", "string")
    entry = {"user_id": user_id, "platform_id": platform_id, "key": key}
    if isinstance(value, str) and type_ == "string":
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
        folds.append({**entry, "folded": hashlib.sha256(folded.encode()).digest()})
    if isinstance(value, list):
        entry |= {"valid_from": valid_from, "valid_until": valid_until}
        members += [{**entry, "equality": digest} for digest in _digests_of_members(value)]


def _digests_of_members(values: list[Any]) -> Iterator[bytes]:
    texts = dict.fromkeys(
        strict_json.canonical(strict_json.dumps(each)) for each in values if not isinstance(each, list | dict)
    )
    for text in list(texts)[:_MAX_MEMBERS]:
        yield hashlib.sha256(b"member:" + text.encode()).digest()


def _create_tables() -> None:
    op.add_column("metadata_index", sa.Column("folded", sa.LargeBinary))
    _create_index("metadata_index", "folded", ["folded"], "folded IS NOT NULL")
    _create_index(
        "metadata_index", "text_order", ["text_value"], "number_value IS NULL AND text_value IS NOT NULL"
    )
    table = "metadata_index_parts"
    texts = [sa.Column(name, sa.Text, nullable=False) for name in ("user_id", "platform_id", "key", "path")]
    op.create_table(
        table,
        *texts,
        sa.Column("equality", sa.LargeBinary, nullable=False),
        sa.Column("is_member", sa.Boolean, nullable=False),
        sa.Column("text_value", _BYTEWISE),
        sa.Column("number_value", sa.Double),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_until", sa.BigInteger),
        sa.Column("folded", sa.LargeBinary),
        sa.PrimaryKeyConstraint("user_id", "platform_id", "key", "path", "equality", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=f"fk_{table}_user_id_users", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{table}_equality", table, ["platform_id", "key", "path", "equality", "user_id"])
    op.create_index(
        f"ix_{table}_user",
        table,
        ["platform_id", "key", "path", "user_id"],
        sqlite_where=sa.text("is_member = 0"),
        postgresql_where=sa.text("NOT is_member"),
    )
    for name, column in (("text", "text_value"), ("number", "number_value"), ("folded", "folded")):
        _create_index(table, name, ["path", column], f"{column} IS NOT NULL")


def _create_index(table: str, name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"ix_{table}_{name}",
        table,
        ["platform_id", "key", *columns, "user_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
