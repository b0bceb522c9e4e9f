"""`Limits`: how much one may ask for or store, told to whoever wants to stay within."""

import strawberry

from gql_service.domain.pagination import MAX_PAGE
from gql_service.domain.writes.bulk import MAX_PATCHES
from gql_service.domain.writes.operations import MAX_OPERATIONS
from gql_service.schema.auth_directive import PUBLIC
from gql_service.settings import Settings

MAX_NODES = 100


@strawberry.type(directives=PUBLIC, description="The most that may be asked for or stored at once.")
class Limits:
    body_bytes: int = strawberry.field(description="Bytes of a request.")
    document_tokens: int = strawberry.field(description="Tokens of a GraphQL document.")
    document_depth: int = strawberry.field(description="Fields within fields, introspection aside.")
    document_aliases: int = strawberry.field(description="Aliases of an operation, its fragments unfolded.")
    document_root_fields: int = strawberry.field(description="Fields at the root of an operation.")
    document_fields: int = strawberry.field(description="Fields of an operation, its fragments unfolded.")
    document_cost: int = strawberry.field(
        description="What an operation may cost. A field with selections costs 1 and what they cost, "
        "times its `first`, its `last`, or the length of its `ids`, `representations` or `patches`."
    )
    key_length: int = strawberry.field(description="Characters of a metadata key.")
    value_bytes: int = strawberry.field(description="Bytes of one value, as canonical JSON.")
    metadata_bytes: int = strawberry.field(description="Bytes of all metadata of a user on a platform.")
    metadata_keys: int = strawberry.field(description="Keys of a user on a platform.")
    patch_operations: int = strawberry.field(description="Operations of one patch.")
    bulk_patches: int = strawberry.field(description="Users that are patched at once.")
    page_size: int = strawberry.field(description="Rows of a page: `first` or `last`.")
    nodes: int = strawberry.field(description="Items of `ids` or `representations`.")
    request_seconds: float = strawberry.field(description="Seconds that a request may take.")

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            body_bytes=settings.max_body_size,
            document_tokens=settings.max_document_tokens,
            document_depth=settings.max_document_depth,
            document_aliases=settings.max_document_aliases,
            document_root_fields=settings.max_root_fields,
            document_fields=settings.max_document_fields,
            document_cost=settings.max_document_cost,
            key_length=settings.max_key_length,
            value_bytes=settings.max_value_size,
            metadata_bytes=settings.max_metadata_size,
            metadata_keys=settings.max_metadata_keys,
            patch_operations=MAX_OPERATIONS,
            bulk_patches=MAX_PATCHES,
            page_size=MAX_PAGE,
            nodes=MAX_NODES,
            request_seconds=settings.request_timeout,
        )
