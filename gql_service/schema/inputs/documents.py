"""The inputs of writes of one document, and the preconditions that they share."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import strawberry

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes.digest_preconditions import ExpectedDigests, parse_expected_digests
from gql_service.domain.writes.set_entries import MAX_ENTRIES
from gql_service.domain.writes.unit_of_work import Precondition, any_revision, exactly_revision
from gql_service.schema.enums import ValueType
from gql_service.schema.list_limits import max_items
from gql_service.schema.scalars import DateTime, JSONObject

MAX_DELETE_KEYS = 2000
MAX_EXPECTED_DIGESTS = 100
DELETE_KEYS = (
    f"Keys to delete, at most {MAX_DELETE_KEYS:,}, before anything is set. Unknown keys are ignored."
)


@strawberry.input(description="An email address, which is unique in a tenant.")
class UserEmail:
    address: str = strawberry.field(description="The address, in any spelling.")
    tenant_id: strawberry.ID = strawberry.field(description="The home tenant of the user.")


@strawberry.input(one_of=True, description="Identifies a user. Provide exactly one field.")
class UserBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    user_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The user's own id, as in `User.userId`."
    )
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="The username, in any spelling."
    )
    email: UserEmail | None = strawberry.field(
        default=strawberry.UNSET, description="The email address. For admins of the home tenant of the user."
    )


@strawberry.input(description="The expected state of one key.")
class ExpectedDigest:
    key: str = strawberry.field(description="The key.")
    digest: str | None = strawberry.field(
        default=None,
        description="The `digest` of the entry. Null if there must be no entry; entries that have expired or "
        "that the viewer cannot see count as none.",
    )


@strawberry.input(description="Preconditions of a write of a document.")
class StateInput:
    expected_revision: int | None = strawberry.field(
        default=None,
        description="Write only if the document is at this revision; otherwise the write is rejected with "
        "`RevisionConflict`. 0 means that it was never written.",
    )
    expected_digests: list[ExpectedDigest] | None = strawberry.field(
        default=None,
        description="Write only if these keys have these digests; otherwise the write is rejected with "
        f"`RevisionConflict`. Other keys may have changed. At most {MAX_EXPECTED_DIGESTS}.",
        metadata=max_items(MAX_EXPECTED_DIGESTS),
    )

    @property
    def precondition(self) -> Precondition:
        """The check of the document's revision."""
        expected = self.expected_revision
        return any_revision if expected is None else exactly_revision(expected)

    def expected(self, limits: Limits) -> ExpectedDigests:
        """The digests that keys must have. Raises Rejected."""
        return parse_expected_digests(provided(self.expected_digests), limits)


@strawberry.input(description="The document to write, and preconditions.")
class DocumentInput(StateInput):
    platform_key: str | None = strawberry.field(
        default=None, description="The platform key. Without one, the user-wide document."
    )
    username: str | None = strawberry.field(
        default=None,
        description="The owner of the document. Default: the viewer. Other users: tenant admins only.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A key that the client makes up for this request, 1 to 255 characters. Within 24 hours "
        "(or `RetentionPolicy.idempotencyMaxAge`), "
        "the same request with the same key is applied only once, so it is safe to retry.",
    )


@strawberry.input(description="The new content of a document.")
class ReplacePlatformMetadataInput(DocumentInput):
    metadata: JSONObject = strawberry.field(description="All keys and values of the document.")


@strawberry.input(description="The document to clear.")
class ClearPlatformMetadataInput(DocumentInput):
    pass


@strawberry.input(description="The document to restore, and the revision to restore it to.")
class RestorePlatformMetadataInput(DocumentInput):
    revision: int = strawberry.field(
        description="The revision whose content is restored, as in `PlatformMetadataChange.revision`."
    )


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


def _flag(meaning: str, name: str, who: str = "Set by tenant admins only.", default: str = "false") -> Any:
    return _optional(f"{meaning} {who} Default for a new entry: `{name}` of the definition, or {default}.")


_ONLY_ADMINS_RESTRICT = "Only tenant admins set it to false."
_TRUE_FOR_USERS = "true if a user creates the entry who is not an admin, or false"


@strawberry.input(
    description="An entry to create or update. Fields that are left out keep their values in an existing "
    "entry."
)
class UserMetadataInput:
    metadata_key: str = strawberry.field(description="The key.")
    metadata_value: str | None = _optional(
        "The value as text, in the format of `valueType`. Required for a new entry."
    )
    value_type: ValueType | None = _optional(
        "The type of the value. Default: the type of the existing entry. For a new entry: the type in the "
        "definition, or `string`."
    )
    category: str | None = _optional("A category for grouping entries, at most 100 characters.")
    description: str | None = _optional("What the entry is for, at most 500 characters.")
    source: str | None = _optional(
        "The system that created the entry, at most 100 characters. Set by tenant admins only."
    )
    is_encrypted: bool | None = _flag("Whether to store the value encrypted.", "isEncrypted")
    is_indexed: bool | None = _flag("Whether `Platform.users` can filter by the value.", "isIndexed")
    is_public: bool | None = _flag(
        "Whether the user can see the entry.", "isPublic", _ONLY_ADMINS_RESTRICT, _TRUE_FOR_USERS
    )
    is_editable: bool | None = _flag(
        "Whether the user can change the entry.", "isEditable", _ONLY_ADMINS_RESTRICT, _TRUE_FOR_USERS
    )
    valid_from: DateTime | None = _optional("When the entry becomes valid. Null means that it has no start.")
    valid_until: DateTime | None = _optional(
        "When the entry expires; later than `validFrom`. Null means that it never expires."
    )


@strawberry.input(description="The entries to delete and to set in a document.")
class SetUserMetadataInput(DocumentInput):
    entries: list[UserMetadataInput] = strawberry.field(
        default_factory=list,
        description=f"Entries to create or update, at most {MAX_ENTRIES}, after `deleteKeys` are deleted.",
        metadata=max_items(MAX_ENTRIES),
    )
    delete_keys: list[str] = strawberry.field(
        default_factory=list, description=DELETE_KEYS, metadata=max_items(MAX_DELETE_KEYS)
    )


def provided(input: Any) -> Any:
    """An input as plain JSON, without the fields that the client left out."""
    if isinstance(input, list):
        return [provided(each) for each in input]
    if isinstance(input, Enum):
        return input.value
    if is_dataclass(input):
        values = {field.name: getattr(input, field.name) for field in fields(input)}
        return {name: provided(value) for name, value in values.items() if value is not strawberry.UNSET}
    return input
