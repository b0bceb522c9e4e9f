"""`PlatformMetadataChanged`: what a subscriber of a document gets."""

import strawberry

from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.row_fields import column
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.services.subscriptions import DocumentChange


@strawberry.type(
    directives=AUTHENTICATED,
    description="A change of a document, limited to what the viewer may see. Changes of hidden keys alone "
    "are left out.",
)
class PlatformMetadataChanged:
    row: strawberry.Private[DocumentChange]
    revision: int = column(
        "The revision of the document after the change. Keep it, and send it as `sinceRevision` to continue."
    )
    changed_keys: list[str] = column(
        "The keys that were created, changed or deleted, in alphabetical order. Empty if `resync` is true."
    )
    resync: bool = column(
        "If true, the changes up to `revision` are not known any more, or too many: use `platformMetadata`, "
        "and forget what you know."
    )

    @strawberry.field(description="The document as it is now. It may be newer than `revision`.")
    def platform_metadata(self) -> PlatformMetadata:
        return PlatformMetadata(row=self.row.view)
