"""Stored answers to idempotent writes keep the revision and the key names of a write, never values.

Before, an answer held the whole document, by position. One statement rewrites all of them (a day's worth).
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# The former `document` began with the metadata and the revision.
_SQLITE = """
UPDATE idempotency_keys SET response = json_object(
  'deletedKeys', json(coalesce(json_extract(response, '$.deletedKeys'), '[]')),
  'format', 1,
  'revision', json_extract(response, '$.document[1]'),
  'skippedKeys', json(coalesce(json_extract(response, '$.skippedKeys'), '[]')))
WHERE json_extract(response, '$.format') IS NULL
"""
_POSTGRESQL = """
UPDATE idempotency_keys SET response = json_build_object(
  'deletedKeys', coalesce(response::json -> 'deletedKeys', '[]'),
  'format', 1,
  'revision', response::json -> 'document' -> 1,
  'skippedKeys', coalesce(response::json -> 'skippedKeys', '[]'))
WHERE response::json -> 'format' IS NULL
"""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(_SQLITE if is_sqlite else _POSTGRESQL)
