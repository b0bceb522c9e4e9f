"""`UserError`: what a caller can mend in a write that changed nothing."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gql_service import errors
from gql_service.errors import Problem
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.enums import described_enum

described_enum(
    Problem,
    "UserErrorCode",
    "What is wrong with a write.",
    {
        Problem.METADATA_REQUIRED: "Neither keys to set nor keys to remove were supplied.",
        Problem.INVALID_KEY: "A key is empty, too long, or has white space at its ends.",
        Problem.INVALID_VALUE: "A value is not one that can be stored.",
        Problem.VALUE_TOO_LARGE: "A value is larger than a value may be.",
        Problem.TOO_MANY_KEYS: "The document would have more keys than it may.",
        Problem.DOCUMENT_TOO_LARGE: "The document would be larger than it may.",
        Problem.REVISION_CONFLICT: "The document or user is at another revision than expected.",
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
    current_revision: int = strawberry.field(description="The revision the document is at.")


def user_error(error: errors.Rejected) -> UserError:
    """A rejected write as a row of `userErrors`."""
    path = [to_camel_case(part) if index == 0 else part for index, part in enumerate(error.field)]
    if isinstance(error, errors.RevisionConflict):
        return RevisionConflict(
            message=error.message, code=error.problem, field=path, current_revision=error.current_revision
        )
    return InvalidInput(message=error.message, code=error.problem, field=path)
