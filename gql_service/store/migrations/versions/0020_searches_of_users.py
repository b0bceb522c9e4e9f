"""Searches by the beginning of a username, by a permission, and for platform owners read what they find.

On PostgreSQL, usernames sort by their bytes from now on, as on SQLite: their index is built anew, the table
is not. Malformed permissions are left out: nobody has them. Users are read in batches. Indexes of entries
tell which of them are valid, so that counting reads nothing else.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_BATCH = 1000
_USERS = sa.text(
    "SELECT id, CAST(permissions AS TEXT) FROM users WHERE id > :after AND CAST(permissions AS TEXT) <> '[]' "
    "ORDER BY id LIMIT :size"
)
_INSERT = sa.text("INSERT INTO permission_holders (permission, user_id) VALUES (:permission, :user_id)")


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # This also keeps others from changing users until the migration is committed.
        op.alter_column("users", "username", type_=sa.Text(collation="C"), existing_nullable=False)
    is_owner = sa.text("is_platform_owner"), sa.text("is_platform_owner = 1")
    op.create_index(
        "ix_users_platform_owners", "users", ["id"], postgresql_where=is_owner[0], sqlite_where=is_owner[1]
    )
    op.create_table(
        "permission_holders",
        sa.Column("permission", sa.Text, primary_key=True),
        sa.Column(
            "user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
        sqlite_with_rowid=False,
    )
    for name, columns in (("user", []), ("text", ["text_value"]), ("equality", ["equality"])):
        name = f"ix_metadata_index_{name}"
        columns = ["platform_id", "key", *columns, "user_id", "valid_from", "valid_until"]
        op.drop_index(name, "metadata_index")
        op.create_index(name, "metadata_index", columns)
    after = ""
    while batch := connection.execute(_USERS, {"after": after, "size": _BATCH}).all():
        rows = [
            {"permission": permission, "user_id": id}
            for id, stored in batch
            for permission in _permissions(stored)
        ]
        if rows:
            connection.execute(_INSERT, rows)
        after = batch[-1][0]


def _permissions(stored: str) -> Iterator[str]:
    try:
        permissions: Any = orjson.loads(stored)
    except ValueError:
        permissions = None
    if isinstance(permissions, list) and all(isinstance(each, str) for each in permissions):
        yield from sorted(set(permissions))
