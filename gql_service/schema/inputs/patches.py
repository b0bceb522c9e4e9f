"""What a patch may do: the inputs that patches of one document and of many share."""

from typing import Any

import strawberry

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes.bulk import OnError
from gql_service.domain.writes.changes import Change, PatchMode, patch
from gql_service.schema.enums import described_enum
from gql_service.schema.inputs.documents import DocumentInput, StateInput, provided
from gql_service.schema.scalars import JSON, JSONObject, Number

described_enum(
    PatchMode,
    "PatchMode",
    "How a patch sets keys.",
    {
        PatchMode.MERGE: "Each key is set to its new value as a whole; null is a value.",
        PatchMode.MERGE_PATCH: "RFC 7396, on the object as the caller sees it: objects are merged at every "
        "depth, and null removes. Null cannot be stored by it.",
    },
)


described_enum(
    OnError,
    "BulkOnError",
    "What becomes of the other patches where one is refused.",
    {
        OnError.REJECT_ALL: "Nothing is written.",
        OnError.REJECT_FAILED: "The others are written.",
    },
)


def _path(description: str) -> Any:
    return strawberry.field(description=f"{description} A JSON Pointer (RFC 6901) that begins with the key.")


def _value(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=f"{description} Needed; null is a value.")


@strawberry.input(
    description="Set a value. Objects that are missing on the way are created, arrays are not. An item of an "
    "array is replaced; `-` stands for the position after the last."
)
class SetOperation:
    path: str = _path("Where, such as `/ui/theme` or `/list/0`.")
    value: JSON | None = _value("What to set.")


@strawberry.input(
    description="Remove a key, a member of an object, or an item of an array, which moves those behind it. "
    "A key or member that is not there is no error."
)
class DeleteOperation:
    path: str = _path("What to remove.")


@strawberry.input(
    description="Add to a number. One that is missing counts as 0, and objects that are missing on the way "
    "are created. Integers stay integers, within 64 bits."
)
class IncrementOperation:
    path: str = _path("The number.")
    by: Number = strawberry.field(description="What to add; it may be negative.")


@strawberry.input(
    description="Add an item to the end of an array. An array that is missing is created, as are objects "
    "that are missing on the way."
)
class AppendOperation:
    path: str = _path("The array.")
    value: JSON | None = _value("The item.")


@strawberry.input(
    one_of=True,
    description="Exactly one change of a part of a value. A key that the caller's `metadata` does not show "
    "now counts as missing.",
)
class PatchOperation:
    set: SetOperation | None = strawberry.field(default=strawberry.UNSET, description="Set a value.")
    delete: DeleteOperation | None = strawberry.field(default=strawberry.UNSET, description="Remove a value.")
    increment: IncrementOperation | None = strawberry.field(
        default=strawberry.UNSET, description="Add to a number."
    )
    append: AppendOperation | None = strawberry.field(
        default=strawberry.UNSET, description="Add an item to an array."
    )


@strawberry.input(description="What to change in a document.")
class PatchInput:
    metadata: JSONObject | None = strawberry.field(
        default=None, description="Keys to set, after the removals; keys not mentioned stay as they are."
    )
    delete_keys: list[str] | None = strawberry.field(
        default=None, description="Keys to remove; one that does not exist is no error."
    )
    mode: PatchMode | None = strawberry.field(
        default=None, description="How `metadata` sets keys; by default `MERGE`."
    )
    operations: list[PatchOperation] | None = strawberry.field(
        default=None, description="Changes of parts of values, up to 100, after all else and in this order."
    )

    def change(self, limits: Limits) -> Change:
        """What is to be done. Raises Rejected."""
        mode, doing = self.mode or PatchMode.MERGE, provided(self.operations)
        return patch(self.metadata, self.delete_keys, limits, mode=mode, operations=doing)


@strawberry.input(
    description="What to change; at least one of `metadata`, `deleteKeys` and `operations` is needed. "
    "All of it is written at once, or nothing."
)
class PatchPlatformMetadataInput(DocumentInput, PatchInput):
    pass


@strawberry.input(description="What to change for one user; see `PatchPlatformMetadataInput`.")
class UserPatchInput(StateInput, PatchInput):
    username: str = strawberry.field(description="Whose metadata.")


@strawberry.input(description="What to change for many users of a platform.")
class BulkPatchPlatformMetadataInput:
    platform_key: str = strawberry.field(description="The platform's key.")
    patches: list[UserPatchInput] = strawberry.field(description="1 to 100 patches, each of another user.")
    on_error: OnError = strawberry.field(
        default=OnError.REJECT_ALL, description="What becomes of the others where one is refused."
    )
    dry_run: bool = strawberry.field(
        default=False, description="Answer what would happen, and write nothing."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A text of your own that makes it safe to send this again: within 24 hours each patch is "
        "done once, and its first answer repeated. Patches that were refused are tried again.",
    )
