"""The history of documents: a row for each write that changed something, with the old and new of each key.

The values of encrypted entries are never in it, encrypted or not.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from gql_service import strict_json
from gql_service.domain.documents import Key
from gql_service.domain.entries import Entry, described
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes

_OF_DOCUMENT = (
    document_changes.c.user_id == bindparam("of_user"),
    document_changes.c.platform_id == bindparam("of_platform"),
)
_INSERT = Statement(insert(document_changes))
_ALL = Statement(select(document_changes).where(*_OF_DOCUMENT))
_DELETE_ALL = Statement(delete(document_changes).where(*_OF_DOCUMENT))
_REWRITE = Statement(
    update(document_changes)
    .where(*_OF_DOCUMENT, document_changes.c.revision == bindparam("at_revision"))
    .values(changes=bindparam("changes"))
)


class Row(NamedTuple):
    """A row of `document_changes`; `changes` maps keys to `{old, new}`, as `described` tells entries."""

    user_id: str
    platform_id: str
    revision: int
    actor_id: str | None
    changed_at: int
    source: str
    changes: str

    def without_values(self, keep: Set[str]) -> "Row":
        """The same change, knowing of all keys but these no more than their names."""
        changes = orjson.loads(self.changes)
        told = {key: change if key in keep else {} for key, change in changes.items()}
        return self._replace(changes=strict_json.dumps(told))

    def concealing(self, keys: Set[str]) -> "Row":
        """The same change, knowing of these keys no more than their names."""
        return self.without_values(orjson.loads(self.changes).keys() - keys)


def changes_text(changed: Mapping[str, tuple[Entry | None, Entry | None]]) -> str:
    """What to keep of the entries before and after a write."""
    return strict_json.dumps(
        {
            key: {
                name: described(entry)
                for name, entry in (("old", before), ("new", after))
                if entry is not None
            }
            for key, (before, after) in changed.items()
        }
    )


async def record(transaction: Connection, rows: Sequence[Row]) -> None:
    """Store what was changed."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


async def forget(transaction: Connection, document: Key, keep: Set[str]) -> None:
    """Forget the values of all keys but these."""
    where: dict[str, Any] = {"of_user": document[0], "of_platform": document[1]}
    if not keep:
        await transaction.execute(_DELETE_ALL, **where)
        return
    await _rewrite(transaction, where, lambda row: row.without_values(keep))


async def conceal(transaction: Connection, document: Key, keys: Set[str]) -> None:
    """Forget the values of these keys, which are to be secret from now on."""
    where = {"of_user": document[0], "of_platform": document[1]}
    await _rewrite(transaction, where, lambda row: row.concealing(keys))


async def _rewrite(transaction: Connection, where: Mapping[str, Any], change: Callable[[Row], Row]) -> None:
    rows = rows_as(Row, await transaction.fetch(_ALL, **where))
    rewritten = [(row, change(row).changes) for row in rows]
    await transaction.execute_many(
        _REWRITE,
        [
            {**where, "at_revision": row.revision, "changes": changes}
            for row, changes in rewritten
            if changes != row.changes
        ],
    )
