"""Usernames and email addresses are unique whatever their spelling; what finds users by text; tombstones.

If stored users collide, nothing is migrated: see `gql_service.store.migrations.collisions`. Rows of
`user_texts` are written here as `gql_service.domain.users.rows` writes them. Users are read in batches.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import context, op

from gql_service.names import fold, search_texts
from gql_service.store.migrations import collisions

revision = "0007"
down_revision = "0006"

_BATCH = 1000
_USERS = sa.text(
    "SELECT id, tenant_id, username, email, CAST(profile_fields AS TEXT) FROM users WHERE id > :after "
    "ORDER BY id LIMIT :size"
)
_SET_KEYS = sa.text("UPDATE users SET name_key = :name_key, email_key = :email_key WHERE id = :id")
_MEMBERSHIPS = sa.text(
    "SELECT user_id, tenant_id FROM memberships WHERE user_id BETWEEN :first AND :last ORDER BY user_id"
)
_INSERT_TEXT = sa.text(
    "INSERT INTO user_texts (tenant_id, text, user_id) VALUES (:tenant_id, :text, :user_id)"
)


def upgrade() -> None:
    connection = op.get_bind()
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    # On PostgreSQL, this also keeps others from changing users until the migration is committed.
    for name in ("name_key", "email_key"):
        op.add_column("users", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "user_texts",
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("text", bytewise, primary_key=True),
        sa.Column(
            "user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tombstones", sa.Column("digest", sa.LargeBinary, primary_key=True), sqlite_with_rowid=False
    )
    op.create_table(
        "deleted_platforms", sa.Column("platform_id", sa.Text, primary_key=True), sqlite_with_rowid=False
    )
    op.create_index("ix_documents_platform_id_user_id", "documents", ["platform_id", "user_id"])
    op.create_index("ix_platforms_tenant_id_key", "platforms", ["tenant_id", "key"])
    collisions.solve(connection, context.config.attributes.get("solutions"))
    for batch in _batches(connection):
        connection.execute(
            _SET_KEYS,
            [
                {"id": id, "name_key": fold(username), "email_key": fold(email)}
                for id, _, username, email, _ in batch
            ],
        )
        tenants: dict[str, list[str]] = {id: [] for id, *_ in batch}
        of_batch = {"first": batch[0][0], "last": batch[-1][0]}
        for user_id, tenant_id in connection.execute(_MEMBERSHIPS, of_batch):
            tenants[user_id].append(tenant_id)
        texts = [row for user in batch for row in _texts(tenants[user[0]], *user)]
        if texts:
            connection.execute(_INSERT_TEXT, texts)
    op.create_index("uq_users_name_key", "users", ["name_key"], unique=True)
    op.create_index("uq_users_tenant_id_email_key", "users", ["tenant_id", "email_key"], unique=True)


def _batches(connection: sa.Connection) -> Iterator[list[Any]]:
    after = ""
    while batch := connection.execute(_USERS, {"after": after, "size": _BATCH}).all():
        yield list(batch)
        after = batch[-1][0]


def _texts(
    tenants: Sequence[str], id: str, home: str, username: str, email: str, profile_text: str
) -> Iterator[dict[str, str]]:
    try:
        profile = orjson.loads(profile_text)
    except ValueError:
        profile = {}
    profile = profile if isinstance(profile, dict) else {}
    for tenant_id in tenants:
        is_home = tenant_id == home
        visibilities = ("tenant", "private") if is_home else ("tenant",)
        for text in sorted(search_texts(username, email if is_home else None, profile, visibilities)):
            yield {"tenant_id": tenant_id, "text": text, "user_id": id}
