"""Webhooks: where events are sent, what was sent, and which process sends."""

import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    generated = [sa.Identity(always=True)] if is_postgres else []
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("platform_id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", JsonText),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_until", sa.BigInteger),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platforms.id"], name="fk_webhooks_platform_id_platforms", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_webhooks_platform_id", "webhooks", ["platform_id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), *generated, nullable=False),
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger),
        sa.Column("user_id", sa.Text),
        sa.Column("lane", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("give_up_at", sa.BigInteger),
        sa.Column("attempted_at", sa.BigInteger),
        sa.Column("status", sa.Integer),
        sa.Column("response", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name="fk_webhook_deliveries_webhook_id_webhooks",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_deliveries_webhook_id_id", "webhook_deliveries", ["webhook_id", "id"])
    op.create_index("ix_webhook_deliveries_user_id", "webhook_deliveries", ["user_id"])
    op.create_index("ix_webhook_deliveries_attempted_at", "webhook_deliveries", ["attempted_at"])
    _partial_index("ix_webhook_deliveries_due", ["webhook_id", "next_at"], "next_at IS NOT NULL")
    _partial_index("ix_webhook_deliveries_lane", ["webhook_id", "lane", "id"], "state = 'PENDING'")
    dispatcher = op.create_table(
        "webhook_dispatcher",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_dispatcher"),
    )
    op.bulk_insert(dispatcher, [{"id": 1, "fence": 0, "expires_at": 0}])


def _partial_index(name: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name,
        "webhook_deliveries",
        columns,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
