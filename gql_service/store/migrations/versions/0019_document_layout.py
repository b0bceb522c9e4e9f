"""Where the entries of large documents are in their JSON texts, so that one is read without the others.

Large documents get it in batches; that reads all documents once. Servers of the version before it write
documents without it, which is noticed by the revision: then the whole document is decoded, as before.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from gql_service.store.tables import JsonText

revision = "0019"
down_revision = "0018"

_BATCH = 20  # a document may have three megabytes
_SMALL_KEYS, _SMALL_SIZE, _BLOCK_KEYS, _BLOCK_SIZE = 64, 8 * 1024, 32, 4 * 1024
_COLUMNS = ("metadata", "conditions", "attributes")
_LARGE = sa.text(
    "SELECT user_id, platform_id, revision, CAST(metadata AS TEXT), CAST(conditions AS TEXT), "
    "CAST(attributes AS TEXT) FROM documents WHERE (user_id, platform_id) > (:user_id, :platform_id) "
    "AND (length(CAST(metadata AS TEXT)) > 8192 OR length(CAST(conditions AS TEXT)) > 1900 "
    "OR length(CAST(attributes AS TEXT)) > 1900) ORDER BY user_id, platform_id LIMIT :size"
)
_SET = sa.text(
    "UPDATE documents SET layout = :layout WHERE user_id = :user_id AND platform_id = :platform_id"
).bindparams(sa.bindparam("layout", type_=JsonText()))


def upgrade() -> None:
    op.add_column("documents", sa.Column("layout", JsonText()))
    connection = op.get_bind()
    last = {"user_id": "", "platform_id": ""}
    while rows := connection.execute(_LARGE, {**last, "size": _BATCH}).all():
        found = [{**_key(row), "layout": layout} for row in rows if (layout := _layout(row)) is not None]
        if found:
            connection.execute(_SET, found)
        last = _key(rows[-1])


def _key(row: Any) -> dict[str, str]:
    return {"user_id": row[0], "platform_id": row[1]}


def _layout(row: Any) -> str | None:
    layouts = {}
    for column, text in zip(_COLUMNS, row[3:], strict=True):
        members = orjson.loads(text or "{}")
        if len(members) > _SMALL_KEYS or len(text or "") > _SMALL_SIZE:
            blocks = list(_blocks(members))
            if f"{{{','.join(part for _, _, part in blocks)}}}" == text:  # else it is not canonical
                layouts[column] = _of_blocks(text, blocks)
    return orjson.dumps({**layouts, "revision": row[2]}).decode() if layouts else None


def _blocks(members: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """The first key, the number and the text of the members of each block."""
    first_key, texts, size = "", list[str](), 0
    for key in sorted(members):
        text = orjson.dumps({key: members[key]}, option=orjson.OPT_SORT_KEYS).decode()[1:-1]
        if texts and (len(texts) == _BLOCK_KEYS or size + len(text) > _BLOCK_SIZE):
            yield first_key, len(texts), ",".join(texts)
            texts, size = [], 0
        if not texts:
            first_key = key
        texts.append(text)
        size += len(text)
    if texts:
        yield first_key, len(texts), ",".join(texts)


def _of_blocks(text: str, blocks: list[tuple[str, int, str]]) -> list[Any]:
    starts, start = list[int](), 1
    for _, _, part in blocks:
        starts.append(start)
        start += len(part) + 1
    return [len(text), [first_key for first_key, _, _ in blocks], starts, [count for _, count, _ in blocks]]
