"""What makes keys typed entries: attributes, history, the search index, definitions, idempotency keys."""

import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0003"
down_revision = "0002"

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Keys that exist are plain, public and editable: what keys are that have no attributes."""
    op.add_column("platforms", _flag("strict"))
    op.add_column("documents", sa.Column("conditions", JsonText))
    op.add_column("documents", sa.Column("expires_at", sa.BigInteger))
    op.add_column("documents", sa.Column("attributes", JsonText, nullable=False, server_default="{}"))
    expires = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "ix_documents_expires_at", "documents", ["expires_at"], sqlite_where=expires, postgresql_where=expires
    )
    op.create_table(
        "document_changes",
        _text("user_id"),
        _text("platform_id"),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.Text),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        _text("source"),
        sa.Column("changes", JsonText, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "platform_id", "revision", name="pk_document_changes"),
        _belongs_to_user("document_changes"),
    )
    _create_index_table()
    op.create_table(
        "metadata_definitions",
        _text("platform_id"),
        _text("key"),
        _text("value_type"),
        sa.Column("rules", JsonText, nullable=False),
        sa.Column("defaults", JsonText, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("platform_id", "key", name="pk_metadata_definitions"),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platforms.id"], name="fk_metadata_definitions_platform_id_platforms"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        _text("user_id"),
        _text("platform_id"),
        _text("key"),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("response", JsonText, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "platform_id", "key", name="pk_idempotency_keys"),
        _belongs_to_user("idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_index_table() -> None:
    op.create_table(
        "metadata_index",
        _text("user_id"),
        _text("platform_id"),
        _text("key"),
        sa.Column("equality", sa.LargeBinary, nullable=False),
        sa.Column("text_value", _BYTEWISE),
        sa.Column("number_value", sa.Double),
        sa.Column("encrypted", sa.Boolean, nullable=False),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", "platform_id", "key", name="pk_metadata_index"),
        _belongs_to_user("metadata_index"),
        sqlite_with_rowid=False,
    )
    for name, value in (
        ("equality", ["equality"]),
        ("text", ["text_value"]),
        ("number", ["number_value"]),
        ("user", []),
    ):
        columns = ["platform_id", "key", *value, "user_id"]
        op.create_index(f"ix_metadata_index_{name}", "metadata_index", columns)
    op.create_index(
        "ix_metadata_index_encrypted",
        "metadata_index",
        ["platform_id", "key"],
        sqlite_where=sa.text("encrypted = 1"),
        postgresql_where=sa.text("encrypted"),
    )


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _belongs_to_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id_users", ondelete="CASCADE"
    )
