"""What a write is to do to a document: checked before the database is asked, applied to a locked row."""

from collections.abc import Callable, Set
from typing import NamedTuple

from gql_service.domain.drafts import Draft
from gql_service.domain.values import Limits, check_delete_keys, check_metadata
from gql_service.errors import Problem, Rejected


class Change(NamedTuple):
    """`apply` changes a draft, or raises Rejected; `keys` are those that the caller named."""

    apply: Callable[[Draft], None]
    keys: Set[str] = frozenset()
    deleting: Set[str] = frozenset()
    rewinds_to: int | None = None
    """The revision of which the draft is to know what the document was after it."""


def patching(metadata: object, delete_keys: object, limits: Limits) -> Change:
    """Delete keys, then set keys; None stands for an input that was not supplied. Raises Rejected."""
    if metadata is None and delete_keys is None:
        raise Rejected(
            Problem.METADATA_REQUIRED,
            "Provide 'metadata' to update or 'delete_keys' to remove keys.",
            (),
        )
    setting = check_metadata({} if metadata is None else metadata, limits)
    deleting = dict.fromkeys(check_delete_keys([] if delete_keys is None else delete_keys))

    def apply(draft: Draft) -> None:
        for key in deleting:
            draft.delete(key, ("delete_keys", key))
        for key, text in setting.items():
            draft.set(key, text, ("metadata", key))

    return Change(apply, setting.keys() | deleting.keys(), deleting.keys())


def replacing(metadata: object, limits: Limits) -> Change:
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


CLEARING = Change(_clear)
"""Remove everything but the revision, from history too."""
