"""What a write is to do to a document: checked before the database is asked, applied to a locked row."""

from collections.abc import Callable, Mapping, Sequence, Set
from enum import Enum
from typing import Any, NamedTuple

import orjson

from gql_service.domain.values.json_merge_patch import merge_patch
from gql_service.domain.values.validation import (
    InputPath,
    Limits,
    check_delete_keys,
    check_metadata,
    check_value,
)
from gql_service.domain.writes import operations
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected


class Change(NamedTuple):
    """`apply` changes a draft, or raises Rejected; `keys` are those that the caller named."""

    apply: Callable[[Draft], None]
    keys: Set[str] = frozenset()
    deleting: Set[str] = frozenset()
    rewinds_to: int | None = None
    """The revision of which the draft is to know what the document was after it."""


class PatchMode(Enum):
    """How a patch sets keys."""

    MERGE = "MERGE"
    MERGE_PATCH = "MERGE_PATCH"


def patch(
    metadata: object,
    delete_keys: object,
    limits: Limits,
    *,
    mode: PatchMode = PatchMode.MERGE,
    doing: Sequence[Mapping[str, Any]] | None = None,
) -> Change:
    """Delete keys, then set or merge keys, then do operations; None stands for an input that was not
    supplied. Raises Rejected."""
    if metadata is None and delete_keys is None and doing is None:
        raise Rejected(
            Problem.METADATA_REQUIRED,
            "Provide 'metadata' to update or 'delete_keys' to remove keys.",
            (),
        )
    setting = check_metadata({} if metadata is None else metadata, limits)
    deleting = dict.fromkeys(check_delete_keys([] if delete_keys is None else delete_keys))
    steps = operations.parse_operations(doing or (), limits)
    merging = metadata if mode is PatchMode.MERGE_PATCH and isinstance(metadata, dict) else {}
    removing = {key for key, value in merging.items() if value is None}

    def apply(draft: Draft) -> None:
        for key in deleting:
            draft.delete(key, ("delete_keys", key))
        written = {}
        for key, text in setting.items():
            field = ("metadata", key)
            if key in removing:
                draft.delete(key, field)
                continue
            written[key] = _merged(draft, key, merging[key], field) if key in merging else text
            draft.set(key, written[key], field)
        operations.apply(draft, steps, written)

    dropping = deleting.keys() | removing | {each.key for each in steps if each.deletes_key}
    return Change(apply, setting.keys() | dropping | {each.key for each in steps}, dropping)


def _merged(draft: Draft, key: str, patch: object, field: InputPath) -> str:
    """The canonical text of what the writer sees under a key with a patch merged in. Raises Rejected."""
    current = draft.shown_text(key, field) if isinstance(patch, dict) else None
    target = None if current is None else orjson.loads(current)
    return check_value(merge_patch(target, patch), draft.limits, field)


def replace(metadata: object, limits: Limits) -> Change:
    """Set exactly the given keys. Raises Rejected."""
    setting = check_metadata(metadata, limits)

    def apply(draft: Draft) -> None:
        draft.keep_only(setting)
        for key, text in setting.items():
            draft.set(key, text, ("metadata", key))

    return Change(apply, setting.keys())


def _clear(draft: Draft) -> None:
    draft.keep_only({})
    draft.purges = True


CLEAR = Change(_clear)
"""Remove everything but the revision, from history too."""
