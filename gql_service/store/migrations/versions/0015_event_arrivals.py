"""The index by which servers on PostgreSQL find new events. On SQLite, the id is the position."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_events_all_positions", "events", ["position"])
