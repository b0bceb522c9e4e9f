"""`UserError`: an error in a write that the caller can fix."""

import re
from collections.abc import Sequence

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gql_service import errors
from gql_service.errors import Problem
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import described_enum
from gql_service.schema.types.user_metadata import UserMetadata

_SNAKE_CASE = re.compile(r"`[a-z]+(_[a-z]+)+`")

described_enum(
    Problem,
    "UserErrorCode",
    "The reasons for which a write is rejected.",
    {
        Problem.METADATA_REQUIRED: "The patch has neither `metadata` nor `deleteKeys` nor `operations`.",
        Problem.INVALID_KEY: "A key is malformed or named twice. A metadata key must not be empty or too "
        "long, contain U+0000, or start or end with white space.",
        Problem.INVALID_VALUE: "A value cannot be stored.",
        Problem.VALUE_TOO_LARGE: "A value is too large.",
        Problem.TOO_MANY_KEYS: "The request or the resulting document has too many keys, entries or "
        "operations.",
        Problem.DOCUMENT_TOO_LARGE: "The resulting document would be too large.",
        Problem.REVISION_CONFLICT: "The document or user is not at the expected revision.",
        Problem.DIGEST_CONFLICT: "An entry does not have the expected digest.",
        Problem.KEY_NOT_EDITABLE: "The key may be changed by tenant admins only.",
        Problem.KEY_NOT_DEFINED: "The platform accepts defined keys only, and this key is not defined.",
        Problem.RULE_BROKEN: "A value violates a rule of its definition.",
        Problem.INVALID_VALIDITY: "`validFrom` or `validUntil` is not a timestamp, or `validUntil` is not "
        "after `validFrom`.",
        Problem.INVALID_OPERATION: "An operation is malformed or does not fit the current value.",
        Problem.INVALID_DEFINITION: "A definition is malformed or contradicts itself.",
        Problem.DATA_BREAKS_DEFINITION: "Existing documents violate the definition or the mode.",
        Problem.ENCRYPTION_UNAVAILABLE: "The service has no key to encrypt or decrypt a value with.",
        Problem.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used for a different request.",
        Problem.UNKNOWN_REVISION: "The history does not have the revision.",
        Problem.UNKNOWN_USER: "There is no such user.",
        Problem.NOT_ALLOWED: "The viewer may not change this field.",
        Problem.TAKEN: "Another user already has this value.",
        Problem.UNKNOWN_TENANT: "There is no such tenant.",
        Problem.NOT_EMPTY: "The tenant or platform is not empty, and `force` is not set.",
        Problem.UNKNOWN_BADGE: "The catalog has no such badge.",
        Problem.TOO_MANY_TOKENS: "The user has the maximum number of valid tokens.",
        Problem.TOO_MUCH_AT_ONCE: "The writes of the request process too much stored data.",
        Problem.URL_NOT_ALLOWED: "Webhooks must not be sent to this URL.",
        Problem.TOO_MANY_WEBHOOKS: "The platform has the maximum number of webhooks.",
        Problem.UNKNOWN_WEBHOOK: "The platform has no such webhook.",
        Problem.UNKNOWN_DELIVERY: "The webhook has no such delivery, or its event was deleted.",
        Problem.TOO_MANY_DELIVERIES: "The maximum number of deliveries of the webhook wait already.",
    },
)


@strawberry.interface(description="An error that the caller can fix. The rejected write changed nothing.")
class UserError:
    message: str = strawberry.field(description="What is wrong and what to do about it, for people.")
    code: Problem = strawberry.field(description="What is wrong, as a stable code for programs.")
    field: list[str] = strawberry.field(
        description="The path of the invalid field within `input`. Empty if no single field is invalid."
    )


@strawberry.type(directives=AUTHENTICATED, description="An input that the service does not accept.")
class InvalidInput(UserError):
    pass


@strawberry.type(
    directives=AUTHENTICATED,
    description="The document or user has changed since it was read. Read it again, merge, and retry.",
)
class RevisionConflict(UserError):
    current_revision: int = strawberry.field(description="The current revision of the document or user.")
    entries: list[UserMetadata] = strawberry.field(
        default_factory=list,
        description="The current entries of the keys in the request or, with `expectedDigests`, of the keys "
        "whose digests differ. Entries that the viewer cannot see are left out.",
    )

    @classmethod
    def of(cls, error: errors.RevisionConflict, entries: list[UserMetadata]) -> "RevisionConflict":
        return cls(
            message=_message(error),
            code=error.problem,
            field=_path(error),
            current_revision=error.current_revision,
            entries=entries,
        )


def user_error(error: errors.Rejected) -> UserError:
    """A rejected write as an item of `userErrors`."""
    if isinstance(error, errors.RevisionConflict):
        return RevisionConflict.of(error, [])
    return InvalidInput(message=_message(error), code=error.problem, field=_path(error))


def _message(error: errors.Rejected) -> str:
    """The message, which names inputs in snake case between backticks, in the words of GraphQL."""
    return _SNAKE_CASE.sub(lambda match: to_camel_case(match[0]), error.message)


def _path(error: errors.Rejected) -> list[str]:
    return [
        to_camel_case(part) if _is_name(error.field, index) else part
        for index, part in enumerate(error.field)
    ]


def _is_name(field: Sequence[str], index: int) -> bool:
    """Whether a part of a path is the name of an input field, not a metadata key or an index."""
    return index == 0 or (index == 2 and field[1].isdigit())
