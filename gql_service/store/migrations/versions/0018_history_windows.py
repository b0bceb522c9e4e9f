"""The last end of the entries with an end that a change of a document has, so that an index finds it.

Changes with such entries, and baselines, get it in batches; that reads the whole history once.
"""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_BATCH = 50  # a change may have two megabytes
_BASELINE, _OF_BASELINE = "retention", 2**62
_WITH_WINDOWS = sa.text(
    "SELECT user_id, platform_id, revision, source, CAST(changes AS TEXT) FROM document_changes "
    "WHERE (user_id, platform_id, revision) > (:user_id, :platform_id, :revision) "
    "AND (source = 'retention' OR CAST(changes AS TEXT) LIKE '%\"validUntil\"%') "
    "ORDER BY user_id, platform_id, revision LIMIT :size"
)
_SET = sa.text(
    "UPDATE document_changes SET window_end = :window_end "
    "WHERE user_id = :user_id AND platform_id = :platform_id AND revision = :revision"
)


def upgrade() -> None:
    op.add_column("document_changes", sa.Column("window_end", sa.BigInteger))
    connection = op.get_bind()
    last: dict[str, Any] = {"user_id": "", "platform_id": "", "revision": 0}
    while rows := connection.execute(_WITH_WINDOWS, {**last, "size": _BATCH}).all():
        connection.execute(_SET, [{**_key(row), "window_end": _window_end(row[3], row[4])} for row in rows])
        last = _key(rows[-1])
    has_window = sa.text("window_end IS NOT NULL")
    op.create_index(
        "ix_document_changes_window_end",
        "document_changes",
        ["user_id", "platform_id", "window_end"],
        sqlite_where=has_window,
        postgresql_where=has_window,
    )


def _key(row: Any) -> dict[str, Any]:
    return dict(zip(("user_id", "platform_id", "revision"), row[:3], strict=True))


def _window_end(source: str, changes: str) -> int | None:
    if source == _BASELINE:
        return _OF_BASELINE
    sides = [side for change in orjson.loads(changes).values() for side in change.values()]
    ends = [side["validUntil"] for side in sides if type(side) is dict and "validUntil" in side]
    return max(ends, default=None)
