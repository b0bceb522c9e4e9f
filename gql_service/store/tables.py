"""The tables. Instants are 64-bit integers: milliseconds since 1970-01-01 UTC, on both databases.

Keys that a user's data lives under start with `user_id`, so that the tables can be distributed by user.
On SQLite, tables of small rows are stored in their keys: a user's badges are one range, not a lookup each.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)
from sqlalchemy.types import UserDefinedType


class JsonText(UserDefinedType[str]):
    """Canonical JSON text in, the same bytes out. PostgreSQL's JSON keeps the text; JSONB would not."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

platforms = Table(
    "platforms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("image", Text),
    Column("profile_fields", JsonText, nullable=False),
    Column("permissions", JsonText, nullable=False),
    Column("is_platform_owner", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("email_verified", Boolean, nullable=False, server_default=false()),
    Column("language", Text),
    Column("password_change_disabled", Boolean, nullable=False, server_default=false()),
    Column("project_creation_disabled", Boolean, nullable=False, server_default=false()),
    Column("profile_field_change_disabled", Boolean, nullable=False, server_default=false()),
    Column("messaging_disabled", Boolean, nullable=False, server_default=false()),
    Column("recent_projects", JsonText, nullable=False, server_default="{}"),
    Column("last_seen_release_version", Text),
    Column("personal_agent_permissions", JsonText, nullable=False, server_default="{}"),
    Column("opt_in_decisions", JsonText, nullable=False, server_default="[]"),
)

# A row for each tenant a user belongs to, their own or one they hold a permission of: derived from
# `users`, written with it, and what makes listing a platform's members an index scan.
memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), primary_key=True),
    Index(None, "tenant_id", "user_id"),
    sqlite_with_rowid=False,
)

earned_badges = Table(
    "earned_badges",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("earned_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Ids sort the newest first: see `domain.notifications`.
notifications = Table(
    "notifications",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    sqlite_with_rowid=False,
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("issued_by", Text),
)

# `platform_id` is the empty string for the user-wide document, hence no foreign key. A cleared document
# keeps its row, because a revision is never used twice.
documents = Table(
    "documents",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("metadata", JsonText, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
