"""What payloads have in common: the errors, and the written document or the current entries."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import strawberry

from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents import visibility
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Conflict
from gql_service.errors import Rejected
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import RevisionConflict, UserError, user_error
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context

P = TypeVar("P", bound="Payload")
INPUT = strawberry.argument(description="The input of the mutation.")
DELETED_KEYS = "The keys that the write deleted. Keys that did not exist are left out."
REPLAYED = (
    "True if a request with this `idempotencyKey` was done before. Then `platformMetadata` is the document "
    "as it is now, and the lists of keys are those of the first request; they are empty if the document was "
    "cleared since."
)


@strawberry.type(directives=AUTHENTICATED, description="The result of a write.")
class Payload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Errors that the caller can fix. Empty on success."
    )


async def payload_of(write: Awaitable[P], payload: type[P]) -> P:
    """Await a write; if it is rejected, return a payload with the user errors."""
    try:
        return await write
    except Rejected as rejected:
        return payload(user_errors=[user_error(rejected)])


def to_platform_metadata(context: Context, access: DocumentAccess, result: WriteResult) -> PlatformMetadata:
    """The document after the write, as the viewer sees it."""
    return PlatformMetadata(row=context.view(access, result.document))


def to_user_error(context: Context, access: DocumentAccess, error: Rejected) -> UserError:
    """The error of a rejected write. A conflict has the current entries of the keys that conflict, so that
    the caller can merge: those that the viewer may see and that have not expired.
    """
    if not isinstance(error, Conflict):
        return user_error(error)
    entries, now = visible_entries(context, access, error.document, error.keys), context.services.clock()
    return RevisionConflict.of(error, [each for each in entries if not each.row.entry.has_expired(now)])


def visible_entries(
    context: Context, access: DocumentAccess, document: MetadataDocument, keys: Sequence[str]
) -> list[UserMetadata]:
    """The entries of these keys that the viewer may see, including those that are not valid now."""
    viewer = Viewer(access, context.services.clock())
    wanted = set(keys)
    visible = visibility.entries(
        viewer, document.content(), context.services.write_settings.keys, include_inactive=True
    )
    return [UserMetadata(row=row) for row in visible if row.metadata_key in wanted]
