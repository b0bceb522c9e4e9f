"""The input types."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import strawberry

from gql_service.domain.values.validation import Limits
from gql_service.domain.writes.digest_preconditions import ExpectedDigests, parse_expected_digests
from gql_service.domain.writes.unit_of_work import Precondition, any_revision, exactly_revision
from gql_service.schema.enums import ValueType
from gql_service.schema.scalars import DateTime, JSONObject


@strawberry.input(one_of=True, description="A user by exactly one of their keys.")
class UserBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    user_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The user's own id."
    )
    username: str | None = strawberry.field(default=strawberry.UNSET, description="The username.")


@strawberry.input(description="What a key must hold for a write to be done.")
class ExpectedDigest:
    key: str = strawberry.field(description="The key.")
    digest: str | None = strawberry.field(
        default=None,
        description="The `digest` of the entry; null where there must be none. An entry that the caller may "
        "not see, or that has expired, counts as none.",
    )


@strawberry.input(description="In which state a document is to be written.")
class StateInput:
    expected_revision: int | None = strawberry.field(
        default=None, description="Write only if the document is at this revision; 0 means never written."
    )
    expected_digests: list[ExpectedDigest] | None = strawberry.field(
        default=None,
        description="Write only if these keys hold what is said; other keys may have changed meanwhile.",
    )

    @property
    def precondition(self) -> Precondition:
        """At which revision the document may be."""
        expected = self.expected_revision
        return any_revision if expected is None else exactly_revision(expected)

    def expected(self, limits: Limits) -> ExpectedDigests:
        """What keys must hold. Raises Rejected."""
        return parse_expected_digests(provided(self.expected_digests), limits)


@strawberry.input(description="Which document a write means, and in which state.")
class DocumentInput(StateInput):
    platform_key: str | None = strawberry.field(
        default=None, description="The platform's key; without one, the metadata that belongs to no platform."
    )
    username: str | None = strawberry.field(
        default=None, description="Whose metadata; by default the caller's. Naming others needs an admin."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A text of your own that makes it safe to send this again: within 24 hours the write is "
        "done once, and its first answer repeated.",
    )


@strawberry.input(description="What the document is to contain.")
class ReplacePlatformMetadataInput(DocumentInput):
    metadata: JSONObject = strawberry.field(description="Exactly the keys the document has afterwards.")


@strawberry.input(description="Which document to empty.")
class ClearPlatformMetadataInput(DocumentInput):
    pass


@strawberry.input(description="Which document to make again what it was.")
class RestorePlatformMetadataInput(DocumentInput):
    revision: int = strawberry.field(description="The revision after which it was so; `history` shows them.")


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="An entry to create or change. What is left out of one that exists stays.")
class UserMetadataInput:
    metadata_key: str = strawberry.field(description="The key.")
    metadata_value: str | None = _optional("The value as text, of the entry's type. A new entry needs one.")
    value_type: ValueType | None = _optional("By default that of the definition, or else `string`.")
    category: str | None = _optional("What the entry is grouped by, up to 100 characters.")
    description: str | None = _optional("What the entry is for, up to 500 characters.")
    source: str | None = _optional("What system has made it, up to 100 characters.")
    is_encrypted: bool | None = _optional("Whether to store the value encrypted. By default not.")
    is_indexed: bool | None = _optional("Whether users may be searched by the value. By default not.")
    is_public: bool | None = _optional("Whether the user may see the entry. By default not.")
    is_editable: bool | None = _optional("Whether the user may change the entry. By default not.")
    valid_from: DateTime | None = _optional("From when on the entry is valid; by default always.")
    valid_until: DateTime | None = _optional("When the entry expires; by default never.")


@strawberry.input(description="Which entries to remove and which to create or change, all or none.")
class SetUserMetadataInput(DocumentInput):
    entries: list[UserMetadataInput] = strawberry.field(
        default_factory=list, description="Entries to create or change, after the removals."
    )
    delete_keys: list[str] = strawberry.field(
        default_factory=list, description="Keys to remove; one that does not exist is no error."
    )


def provided(input: Any) -> Any:
    """What a client has given, as plain JSON: without what it has left out."""
    if isinstance(input, list):
        return [provided(each) for each in input]
    if isinstance(input, Enum):
        return input.value
    if is_dataclass(input):
        values = {field.name: getattr(input, field.name) for field in fields(input)}
        return {name: provided(value) for name, value in values.items() if value is not strawberry.UNSET}
    return input
