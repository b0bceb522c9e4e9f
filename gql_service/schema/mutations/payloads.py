"""A write as its caller is told of it: the document, or what to mend and what to merge with."""

from collections.abc import Sequence

from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents import visibility
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Conflict
from gql_service.errors import Rejected
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user_error import RevisionConflict, UserError, user_error
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context

REPLAYED = (
    "True if a request with this `idempotencyKey` was done before. The payload then shows the document as it "
    "is now, and the keys that the first request deleted."
)


def document_of(context: Context, access: DocumentAccess, answer: WriteResult) -> PlatformMetadata:
    """The document after the write, as the caller sees it."""
    return PlatformMetadata(row=context.view(access, answer.document))


def problem(context: Context, access: DocumentAccess, error: Rejected) -> UserError:
    """What to mend; in a conflict, with what the caller may see of the keys in question.

    An entry that has expired is not there to be merged with.
    """
    if not isinstance(error, Conflict):
        return user_error(error)
    entries, now = entries_of(context, access, error.document, error.keys), context.services.clock()
    return RevisionConflict.of(error, [each for each in entries if not each.row.entry.has_expired(now)])


def entries_of(
    context: Context, access: DocumentAccess, document: MetadataDocument, keys: Sequence[str]
) -> list[UserMetadata]:
    """These entries, as far as the caller sees them; those not valid now, too."""
    viewer = Viewer(access, context.services.clock())
    known = visibility.entries(viewer, document, context.services.rules.keys, include_inactive=True)
    return [UserMetadata(row=row) for row in known if row.metadata_key in set(keys)]
