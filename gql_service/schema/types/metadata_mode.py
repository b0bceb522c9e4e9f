"""`MetadataMode`, published before anything that has one."""

from gql_service.domain.tenants import MetadataMode
from gql_service.schema.enums import described_enum

__all__ = ["MetadataMode"]

described_enum(
    MetadataMode,
    "MetadataMode",
    "Which keys the documents of a platform may have.",
    {
        MetadataMode.OPEN: "Any keys; those that are defined must be as they are defined.",
        MetadataMode.STRICT: "Defined keys only.",
    },
)
