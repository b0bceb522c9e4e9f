"""Events: what has changed, for feeds, subscriptions and webhooks.

There are none for earlier changes. Both databases give ids that are never used twice. SQLite's transactions
run one after the other, so there the id is the position.
"""

import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    generated = [sa.Identity(always=True)] if is_postgres else []
    position = [] if is_postgres else [sa.Computed("id", persisted=False)]
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), *generated, nullable=False),
        sa.Column("position", sa.BigInteger, *position),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("platform_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("actor_id", sa.Text),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger),
        sa.Column("changed_keys", JsonText, nullable=False),
        sa.Column("hidden_keys", JsonText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_position", "events", ["tenant_id", "platform_id", "position"])
    op.create_index("ix_events_user_id", "events", ["user_id"])
    op.create_index(
        "ix_events_waiting",
        "events",
        ["id"],
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    counter = op.create_table(
        "event_counter",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "last": 0}])
    op.create_table(
        "pruned_events",
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("platform_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "platform_id", name="pk_pruned_events"),
        sqlite_with_rowid=False,
    )
