"""What a write does to a document: validated before the database is asked, applied to a locked row."""

from collections.abc import Callable, Mapping, Sequence, Set
from enum import Enum
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.values.json_merge_patch import merge_patch
from gql_service.domain.values.validation import (
    InputPath,
    Limits,
    check_delete_keys,
    check_metadata,
    check_size,
)
from gql_service.domain.writes.draft import Draft
from gql_service.domain.writes.operations import apply_operations, parse_operations
from gql_service.errors import Problem, Rejected


class Change(NamedTuple):
    """A change of one document. `apply` changes a draft, or raises Rejected."""

    apply: Callable[[Draft], None]
    keys: Set[str] = frozenset()
    """The keys that the caller named."""
    deleted_keys: Set[str] = frozenset()
    """Those of them that the caller asked to delete."""
    restores: int | None = None
    """The revision to restore. The draft then needs the past of the document."""


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
    operations: Sequence[Mapping[str, Any]] | None = None,
) -> Change:
    """Delete keys, then set or merge keys, then do operations. None means that an input was not supplied.

    Raises Rejected.
    """
    if metadata is None and delete_keys is None and operations is None:
        message = "Provide `metadata`, `delete_keys` or `operations`."
        raise Rejected(Problem.METADATA_REQUIRED, message, ())
    new_values = check_metadata({} if metadata is None else metadata, limits)
    keys_to_delete = dict.fromkeys(check_delete_keys([] if delete_keys is None else delete_keys, limits))
    parsed_operations = parse_operations(operations or (), limits)
    merges = metadata if mode is PatchMode.MERGE_PATCH and isinstance(metadata, dict) else {}
    null_keys = {key for key, value in merges.items() if value is None}

    def apply(draft: Draft) -> None:
        for key in keys_to_delete:
            draft.delete(key, ("delete_keys", key))
        written = {}
        for key, text in new_values.items():
            path = ("metadata", key)
            if key in null_keys:
                draft.delete(key, path)
                continue
            written[key] = _merged_text(draft, key, merges[key], path) if key in merges else text
            draft.set(key, written[key], path)
        apply_operations(draft, parsed_operations, written)

    operation_keys = {each.key for each in parsed_operations}
    deleted_keys = (
        keys_to_delete.keys() | null_keys | {each.key for each in parsed_operations if each.deletes_key}
    )
    return Change(apply, new_values.keys() | deleted_keys | operation_keys, deleted_keys)


def replace(metadata: object, limits: Limits) -> Change:
    """Set exactly these keys. Raises Rejected."""
    new_values = check_metadata(metadata, limits)

    def apply(draft: Draft) -> None:
        draft.keep_only(new_values)
        for key, text in new_values.items():
            draft.set(key, text, ("metadata", key))

    return Change(apply, new_values.keys())


def _clear(draft: Draft) -> None:
    draft.keep_only({})
    draft.purges = True


CLEAR = Change(_clear)
"""Delete every key, from the history too. The revision goes on counting."""


def _merged_text(draft: Draft, key: str, patch: object, path: InputPath) -> str:
    """The canonical text of the value that the writer sees, with a patch merged in. Raises Rejected."""
    current = draft.visible_text(key, path) if isinstance(patch, dict) else None
    target = None if current is None else orjson.loads(current)
    text = strict_json.dumps(merge_patch(target, patch))  # both were checked
    check_size(text, draft.limits, path)
    return text
