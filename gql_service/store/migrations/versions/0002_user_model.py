"""Everything of the user model that the directory did not need, and notifications."""

import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Users that exist get what a new user gets."""
    for name in (
        "email_verified",
        "password_change_disabled",
        "project_creation_disabled",
        "profile_field_change_disabled",
        "messaging_disabled",
    ):
        op.add_column("users", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("language", sa.Text))
    op.add_column("users", sa.Column("last_seen_release_version", sa.Text))
    for name, empty in (
        ("recent_projects", "{}"),
        ("personal_agent_permissions", "{}"),
        ("opt_in_decisions", "[]"),
    ):
        op.add_column("users", sa.Column(name, JsonText, nullable=False, server_default=empty))
    op.add_column("access_tokens", sa.Column("issued_by", sa.Text))
    op.create_table(
        "notifications",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("read_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_notifications"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notifications_user_id_users", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
