"""The inputs of patches of one document and of many."""

from typing import Any

import strawberry

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes.bulk import MAX_PATCHES, OnError
from gql_service.domain.writes.changes import Change, PatchMode, patch
from gql_service.domain.writes.operations import MAX_OPERATIONS
from gql_service.schema.enums import described_enum
from gql_service.schema.inputs.documents import (
    DELETE_KEYS,
    MAX_DELETE_KEYS,
    DocumentInput,
    StateInput,
    provided,
)
from gql_service.schema.list_limits import max_items
from gql_service.schema.scalars import JSON, JSONObject, Number

described_enum(
    PatchMode,
    "PatchMode",
    "How a patch applies `metadata`.",
    {
        PatchMode.MERGE: "Set each key to its new value. Objects are replaced, not merged; null is stored.",
        PatchMode.MERGE_PATCH: "JSON Merge Patch (RFC 7396): objects are merged at every depth, and null "
        "deletes a key or member, so null cannot be stored. Keys that the viewer cannot see count as "
        "missing.",
    },
)


described_enum(
    OnError,
    "BulkOnError",
    "What happens to the other patches if one is rejected.",
    {
        OnError.REJECT_ALL: "No patch is written.",
        OnError.REJECT_FAILED: "The other patches are written.",
    },
)


def _path(description: str) -> Any:
    return strawberry.field(
        description=f"{description} A JSON Pointer (RFC 6901) whose first part is the key, such as "
        "`/ui/theme` or `/list/0`."
    )


def _value(description: str) -> Any:
    return strawberry.field(
        default=strawberry.UNSET, description=f"{description} It must be provided, but may be null."
    )


@strawberry.input(
    description="Set a value. Missing parents are created as objects, never as arrays. An array index "
    "replaces that item; the index `-` appends an item."
)
class SetOperation:
    path: str = _path("The path to set.")
    value: JSON | None = _value("The new value.")


@strawberry.input(
    description="Delete a key, an object member, or an array item. Items after a deleted array item move up. "
    "Missing keys and members are ignored; a missing array index is an error."
)
class DeleteOperation:
    path: str = _path("The path to delete.")


@strawberry.input(
    description="Add to a number. A missing number counts as 0, and missing parent objects are created. "
    "The sum of two integers is an integer and must fit in 64 bits."
)
class IncrementOperation:
    path: str = _path("The path of the number.")
    by: Number = strawberry.field(description="The number to add. It may be negative.")


@strawberry.input(
    description="Append an item to an array. A missing array and missing parent objects are created."
)
class AppendOperation:
    path: str = _path("The path of the array.")
    value: JSON | None = _value("The item to append.")


@strawberry.input(
    one_of=True,
    description="A change of one value or a part of it. Provide exactly one field. Keys that the viewer "
    "cannot see, or that are not valid now, count as missing.",
)
class PatchOperation:
    set: SetOperation | None = strawberry.field(default=strawberry.UNSET, description="Set a value.")
    delete: DeleteOperation | None = strawberry.field(default=strawberry.UNSET, description="Delete a value.")
    increment: IncrementOperation | None = strawberry.field(
        default=strawberry.UNSET, description="Add to a number."
    )
    append: AppendOperation | None = strawberry.field(
        default=strawberry.UNSET, description="Append an item to an array."
    )


@strawberry.input(description="The changes of a document.")
class PatchInput:
    metadata: JSONObject | None = strawberry.field(
        default=None,
        description="Keys to set, after `deleteKeys` are deleted. Other keys are unchanged.",
    )
    delete_keys: list[str] | None = strawberry.field(
        default=None, description=DELETE_KEYS, metadata=max_items(MAX_DELETE_KEYS)
    )
    mode: PatchMode | None = strawberry.field(
        default=None, description="How `metadata` is applied. Default: `MERGE`."
    )
    operations: list[PatchOperation] | None = strawberry.field(
        default=None,
        description=f"Changes of parts of values, at most {MAX_OPERATIONS}. They are applied last, in this "
        "order.",
        metadata=max_items(MAX_OPERATIONS),
    )

    def change(self, limits: Limits) -> Change:
        """The change to apply to the document. Raises Rejected."""
        mode, operations = self.mode or PatchMode.MERGE, provided(self.operations)
        return patch(self.metadata, self.delete_keys, limits, mode=mode, operations=operations)


_AT_LEAST_ONE = "At least one of `metadata`, `deleteKeys` and `operations` must be provided."


@strawberry.input(description=f"A patch of one document. {_AT_LEAST_ONE}")
class PatchPlatformMetadataInput(DocumentInput, PatchInput):
    pass


@strawberry.input(description=f"A patch of the document of one user. {_AT_LEAST_ONE}")
class UserPatchInput(StateInput, PatchInput):
    username: str = strawberry.field(description="The owner of the document.")


@strawberry.input(description="Patches of the documents of several users of a platform.")
class BulkPatchPlatformMetadataInput:
    platform_key: str = strawberry.field(description="The platform key.")
    patches: list[UserPatchInput] = strawberry.field(
        description=f"The patches, 1 to {MAX_PATCHES}, each of a different user.",
        metadata=max_items(MAX_PATCHES),
    )
    on_error: OnError = strawberry.field(
        default=OnError.REJECT_ALL, description="What happens to the other patches if one is rejected."
    )
    dry_run: bool = strawberry.field(
        default=False, description="If true, the result is computed but nothing is written."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A key that the client makes up for this request, 1 to 255 characters. Within 24 hours "
        "(or `RetentionPolicy.idempotencyMaxAge`), "
        "each patch of the same request with the same key is applied only once, so it is safe to retry. "
        "Patches that were rejected are tried again.",
    )
