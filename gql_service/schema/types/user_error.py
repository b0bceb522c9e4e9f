"""`UserError`: what a caller can mend in a write that changed nothing."""

from collections.abc import Sequence

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gql_service import errors
from gql_service.errors import Problem
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import described_enum
from gql_service.schema.types.user_metadata import UserMetadata

described_enum(
    Problem,
    "UserErrorCode",
    "What is wrong with a write.",
    {
        Problem.METADATA_REQUIRED: "Neither keys to set nor keys to remove were supplied.",
        Problem.INVALID_KEY: "A key is empty, too long, or has white space at its ends.",
        Problem.INVALID_VALUE: "A value is not one that can be stored.",
        Problem.VALUE_TOO_LARGE: "A value is larger than a value may be.",
        Problem.TOO_MANY_KEYS: "More keys are to be written at once, or would be there, than may be.",
        Problem.DOCUMENT_TOO_LARGE: "The document would be larger than it may.",
        Problem.REVISION_CONFLICT: "The document or user is at another revision than expected.",
        Problem.DIGEST_CONFLICT: "An entry is not as expected.",
        Problem.KEY_NOT_EDITABLE: "Users may not change this key themselves.",
        Problem.KEY_NOT_DEFINED: "The platform accepts defined keys only.",
        Problem.RULE_BROKEN: "A value breaks a rule of its definition.",
        Problem.INVALID_VALIDITY: "When an entry is to be valid is no instant, or ends before it begins.",
        Problem.INVALID_OPERATION: "An operation cannot be done on what is there.",
        Problem.INVALID_DEFINITION: "A definition contradicts itself, or cannot be understood.",
        Problem.DATA_BREAKS_DEFINITION: "Documents that exist break a definition.",
        Problem.ENCRYPTION_UNAVAILABLE: "No key is at hand to encrypt or decrypt with.",
        Problem.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used for another request.",
        Problem.UNKNOWN_REVISION: "The history does not reach that revision.",
        Problem.UNKNOWN_USER: "There is no such user.",
        Problem.NOT_ALLOWED: "The caller may not change this.",
        Problem.TAKEN: "Another user has this already.",
        Problem.UNKNOWN_TENANT: "There is no such tenant.",
        Problem.UNKNOWN_BADGE: "The catalogue has no such badge.",
        Problem.TOO_MANY_TOKENS: "The user has as many tokens that work as a user may have.",
    },
)


@strawberry.interface(description="What to mend in a write that changed nothing.")
class UserError:
    message: str = strawberry.field(description="What is wrong, and what to do.")
    code: Problem = strawberry.field(description="What is wrong, for programs.")
    field: list[str] = strawberry.field(
        description="The path of the input at fault, below `input`; empty where it is none in particular."
    )


@strawberry.type(directives=AUTHENTICATED, description="An input the service does not accept.")
class InvalidInput(UserError):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The document has moved on: read, merge and retry.")
class RevisionConflict(UserError):
    current_revision: int = strawberry.field(description="The revision the document or user is at.")
    entries: list[UserMetadata] = strawberry.field(
        default_factory=list,
        description="The current entries of the keys that were named, or in a conflict of digests of those "
        "that differ, as far as the viewer sees them.",
    )

    @classmethod
    def of(cls, error: errors.RevisionConflict, entries: list[UserMetadata]) -> "RevisionConflict":
        return cls(
            message=error.message,
            code=error.problem,
            field=_path(error),
            current_revision=error.current_revision,
            entries=entries,
        )


def user_error(error: errors.Rejected) -> UserError:
    """A rejected write as a row of `userErrors`."""
    if isinstance(error, errors.RevisionConflict):
        return RevisionConflict.of(error, [])
    return InvalidInput(message=error.message, code=error.problem, field=_path(error))


def _path(error: errors.Rejected) -> list[str]:
    return [
        to_camel_case(part) if _is_name(error.field, index) else part
        for index, part in enumerate(error.field)
    ]


def _is_name(field: Sequence[str], index: int) -> bool:
    """Whether a part of a path names an input, and not a key or the number of an item."""
    return index == 0 or (index == 2 and field[1].isdigit())
