"""Definitions with defaults, variants and what a settings page shows, their history, and counts of writes.

Existing definitions have none of it, and their history begins now. The tables stay usable meanwhile.
"""

import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for name in ("assignment", "presentation"):
        op.add_column("metadata_definitions", sa.Column(name, JsonText, nullable=False, server_default="{}"))
    table = "definition_changes"
    op.create_table(
        table,
        sa.Column("platform_id", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("definition", JsonText),
        sa.PrimaryKeyConstraint("platform_id", "number", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["platform_id"], ["platforms.id"], name=f"fk_{table}_platform_id_platforms"),
    )
    op.create_index(f"ix_{table}_actor_id", table, ["actor_id"])
    table = "platform_writes"
    op.create_table(
        table,
        sa.Column("platform_id", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("writes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("platform_id", "day", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["platform_id"], ["platforms.id"], name=f"fk_{table}_platform_id_platforms"),
        sqlite_with_rowid=False,
    )
