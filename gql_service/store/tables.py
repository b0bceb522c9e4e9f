"""The tables. Instants are 64-bit integers: milliseconds since 1970-01-01 UTC, on both databases.

The primary keys of a user's data start with `user_id`, so that the tables can be distributed by user.
On SQLite, tables of small rows have no rowid: all badges of a user, for example, are next to each other.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TextClause,
    false,
    text,
)
from sqlalchemy.types import UserDefinedType


class JsonText(UserDefinedType[str]):
    """Canonical JSON text, read back byte by byte. PostgreSQL's JSON keeps the text; JSONB does not."""

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

_HAS_WINDOW = text("window_end IS NOT NULL")
_FOLDED = text("folded IS NOT NULL")
_WINDOW = "valid_from", "valid_until"
"""At the end of an index, so that it tells which entries are valid, and their rows are not read."""
_PURE_TEXT = text("number_value IS NULL AND text_value IS NOT NULL")
_BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by its bytes on both databases."""
_POSTGRES_WHERE = "postgresql_where"
"""In the `info` of a partial index, its condition on PostgreSQL. See `add_postgres_conditions`."""


def add_postgres_conditions() -> None:
    """Give partial indexes their conditions on PostgreSQL, for migrations.

    As an argument of `Index`, the condition would make every process import PostgreSQL's dialect.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if _POSTGRES_WHERE in index.info:
                index.dialect_options["postgresql"]["where"] = index.info[_POSTGRES_WHERE]


def _partial_index(name: str, *columns: str, where: TextClause, on_sqlite: TextClause | None = None) -> Index:
    sqlite_where = where if on_sqlite is None else on_sqlite
    return Index(name, *columns, sqlite_where=sqlite_where, info={_POSTGRES_WHERE: where})


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
    Column("strict", Boolean, nullable=False, server_default=false()),
    Column("history_max_age", BigInteger),
    Column("history_max_changes", BigInteger),
    Column("idempotency_max_age", BigInteger),
    Index("ix_platforms_tenant_id_key", "tenant_id", "key"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("username", _BYTEWISE, nullable=False, unique=True),
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
    # Folds: see `gql_service.names`. They are derived from the username and the email address.
    Column("name_key", Text, nullable=False, server_default=""),
    Column("email_key", Text, nullable=False, server_default=""),
    Index("uq_users_name_key", "name_key", unique=True),
    Index("uq_users_tenant_id_email_key", "tenant_id", "email_key", unique=True),
    _partial_index(
        *("ix_users_platform_owners", "id"),
        where=text("is_platform_owner"),
        on_sqlite=text("is_platform_owner = 1"),
    ),
)

# One row for each tenant that a user belongs to: their home tenant, and tenants they have permissions in.
# It is derived from `users` and written with it, so that an index scan lists the members of a platform.
memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), primary_key=True),
    Index(None, "tenant_id", "user_id"),
    sqlite_with_rowid=False,
)

# One row for each permission of a user, so that those who have it are found. It is derived from `users`, too.
permission_holders = Table(
    "permission_holders",
    metadata,
    Column("permission", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# Texts whose beginnings find a user in a tenant: folds of the username, the email address and the name. Other
# tenants than the home tenant do not find users by what they may not read.
user_texts = Table(
    "user_texts",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("text", _BYTEWISE, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# Digests of the ids of deleted users, and of the ids and keys of deleted tenants and platforms. These are
# never given out again.
tombstones = Table(
    "tombstones", metadata, Column("digest", LargeBinary, primary_key=True), sqlite_with_rowid=False
)

# Platforms that were deleted, and whose documents are still being deleted.
deleted_platforms = Table(
    "deleted_platforms", metadata, Column("platform_id", Text, primary_key=True), sqlite_with_rowid=False
)

earned_badges = Table(
    "earned_badges",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("earned_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The ids are made so that the newest sorts first: see `domain.users.notifications`.
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

# One row for each field of a user that was changed. The ids are made so that the newest sorts first: see
# `domain.users.changes`. The values are JSON, but no JsonText, of which SQLite makes numbers.
user_changes = Table(
    "user_changes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("field", Text),
    Column("member", Text),
    Column("action", Text, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("actor_id", Text),
    Column("source", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
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
    Column("scopes", Text),
    Column("platform_keys", Text),
)

# Identities of OpenID Connect issuers, and the users whom they authenticate.
identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("linked_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# When all tokens of a user were last revoked. JWTs that were issued before are refused.
revocations = Table(
    "revocations",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# `platform_id` is the empty string for the user-wide document, so it is no foreign key. A cleared document
# keeps its row, because a revision is never used twice. `domain.documents.entries` explains the four JSON
# columns. `attributes` comes late because most reads leave it out.
documents = Table(
    "documents",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("metadata", JsonText, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("conditions", JsonText),
    Column("expires_at", BigInteger),
    Column("attributes", JsonText, nullable=False, server_default="{}"),
    Column("layout", JsonText),
    _partial_index("ix_documents_expires_at", "expires_at", where=text("expires_at IS NOT NULL")),
    Index("ix_documents_platform_id_user_id", "platform_id", "user_id"),
)

# The history: one row for each write that changed something. A baseline takes the place of changes that were
# pruned: see `domain.history.pruning`. `window_end` is the last end of the entries with an end that the row
# has, and later than every instant in a baseline.
document_changes = Table(
    "document_changes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("actor_id", Text),
    Column("changed_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("changes", JsonText, nullable=False),
    Column("window_end", BigInteger),
    _partial_index(
        "ix_document_changes_window_end", "user_id", "platform_id", "window_end", where=_HAS_WINDOW
    ),
)

# The search index of entries with `isIndexed`. `equality` is a digest of the value, because PostgreSQL cannot
# index more than 2,704 bytes. Of an encrypted value the digest is keyed, and there is no text or number.
# `folded` is a digest of a text that ignores case. The index `text_order` sorts texts that are no dates.
metadata_index = Table(
    "metadata_index",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("equality", LargeBinary, nullable=False),
    Column("text_value", _BYTEWISE),
    Column("number_value", Double),
    Column("encrypted", Boolean, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_until", BigInteger),
    Column("folded", LargeBinary),
    Index("ix_metadata_index_equality", "platform_id", "key", "equality", "user_id", *_WINDOW),
    Index("ix_metadata_index_text", "platform_id", "key", "text_value", "user_id", *_WINDOW),
    Index("ix_metadata_index_number", "platform_id", "key", "number_value", "user_id"),
    Index("ix_metadata_index_user", "platform_id", "key", "user_id", *_WINDOW),
    _partial_index("ix_metadata_index_folded", "platform_id", "key", "folded", "user_id", where=_FOLDED),
    _partial_index(
        "ix_metadata_index_text_order", "platform_id", "key", "text_value", "user_id", where=_PURE_TEXT
    ),
    sqlite_with_rowid=False,
)

# What is indexed inside of values: the members of arrays, and the values at the paths that a definition
# declares (`path` is a JSON Pointer; it is empty for the members of an entry's own array). Nothing of
# encrypted entries is here. The digests of members differ from those of values.
metadata_index_parts = Table(
    "metadata_index_parts",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("equality", LargeBinary, primary_key=True),
    Column("is_member", Boolean, nullable=False),
    Column("text_value", _BYTEWISE),
    Column("number_value", Double),
    Column("valid_from", BigInteger),
    Column("valid_until", BigInteger),
    Column("folded", LargeBinary),
    Index("ix_metadata_index_parts_equality", "platform_id", "key", "path", "equality", "user_id"),
    _partial_index(
        *("ix_metadata_index_parts_user", "platform_id", "key", "path", "user_id"),
        where=text("NOT is_member"),
        on_sqlite=text("is_member = 0"),
    ),
    *(
        _partial_index(
            *(f"ix_metadata_index_parts_{name}", "platform_id", "key", "path", column, "user_id"),
            where=text(f"{column} IS NOT NULL"),
        )
        for name, column in (("text", "text_value"), ("number", "number_value"), ("folded", "folded"))
    ),
    sqlite_with_rowid=False,
)

# The definitions of the metadata keys of a platform: see `domain.definitions`.
metadata_definitions = Table(
    "metadata_definitions",
    metadata,
    Column("platform_id", Text, ForeignKey("platforms.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value_type", Text, nullable=False),
    Column("rules", JsonText, nullable=False),
    Column("defaults", JsonText, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("assignment", JsonText, nullable=False, server_default="{}"),
    Column("presentation", JsonText, nullable=False, server_default="{}"),
    sqlite_with_rowid=False,
)

# Every change of a definition. `definition` is null where it was removed: see `domain.definitions.history`.
definition_changes = Table(
    "definition_changes",
    metadata,
    Column("platform_id", Text, ForeignKey("platforms.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("key", Text, nullable=False),
    Column("actor_id", Text),
    Column("changed_at", BigInteger, nullable=False),
    Column("definition", JsonText),
    Index("ix_definition_changes_actor_id", "actor_id"),
)

# How many writes the documents of a platform got on a day: see `domain.maintenance.write_counts`.
platform_writes = Table(
    "platform_writes",
    metadata,
    Column("platform_id", Text, ForeignKey("platforms.id"), primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("writes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What writes with an idempotency key did: see `domain.writes.idempotency`. `key` starts with the sender's id.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("response", JsonText, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)

# What has changed, in the order of `position`: see `domain.events`. On SQLite, `position` is computed from
# `id`. `platform_id` is the empty string for what concerns no platform.
events = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("position", BigInteger),
    Column("type", Text, nullable=False),
    Column("tenant_id", Text, nullable=False),
    Column("platform_id", Text, nullable=False),
    Column("user_id", Text),
    Column("actor_id", Text),
    Column("occurred_at", BigInteger, nullable=False),
    Column("revision", BigInteger),
    Column("changed_keys", JsonText, nullable=False),
    Column("hidden_keys", JsonText, nullable=False),
    Index("ix_events_position", "tenant_id", "platform_id", "position"),
    Index("ix_events_user_id", "user_id"),
    Index("ix_events_all_positions", "position").ddl_if(dialect="postgresql"),
    _partial_index("ix_events_waiting", "id", where=text("position IS NULL")),
)

# One row: the last position that was given. PostgreSQL only: see `domain.events.numbering`.
event_counter = Table(
    "event_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)

# Positions that were lost because a backup was restored: those after `first` and before `last`.
event_gaps = Table(
    "event_gaps",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)

# The last positions of events that were deleted for their age.
pruned_events = Table(
    "pruned_events",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("platform_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Where events of a platform and of its tenant are sent: see `domain.webhooks`.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("platform_id", Text, ForeignKey("platforms.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("types", JsonText),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_until", BigInteger),
    Column("position", BigInteger, nullable=False),
    Column("failing_since", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# What was and is to be sent. `next_at` is null where an earlier delivery of the same lane must come first.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("webhook_id", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", BigInteger),
    Column("user_id", Text),
    Column("lane", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),
    Column("give_up_at", BigInteger),
    Column("attempted_at", BigInteger),
    Column("status", Integer),
    Column("response", Text),
    Column("error", Text),
    Index(None, "webhook_id", "id"),
    Index(None, "user_id"),
    Index(None, "attempted_at"),
    _partial_index("ix_webhook_deliveries_due", "webhook_id", "next_at", where=text("next_at IS NOT NULL")),
    _partial_index("ix_webhook_deliveries_lane", "webhook_id", "lane", "id", where=text("state = 'PENDING'")),
)

# One row: which process sends, and until when, by the time of the database.
webhook_dispatcher = Table(
    "webhook_dispatcher",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
