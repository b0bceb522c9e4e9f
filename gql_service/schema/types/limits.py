"""`Limits`: the limits of requests and of stored data."""

import strawberry

from gql_service.domain.pagination import MAX_PAGE
from gql_service.domain.writes.bulk import MAX_PATCHES
from gql_service.domain.writes.operations import MAX_OPERATIONS
from gql_service.schema.auth_directive import PUBLIC
from gql_service.settings import Settings

MAX_NODES = 100


@strawberry.type(directives=PUBLIC, description="The limits of requests and of stored data.")
class Limits:
    body_bytes: int = strawberry.field(description="Maximum size of a request body, in bytes.")
    anonymous_body_bytes: int = strawberry.field(
        description="Maximum size of the body of a request without a token, in bytes."
    )
    response_bytes: int = strawberry.field(description="Maximum size of a response, in bytes.")
    json_values: int = strawberry.field(
        description="Maximum number of values in the JSON of a request body: objects, arrays and their items."
    )
    document_length: int = strawberry.field(
        description="Maximum length of a GraphQL document, in characters."
    )
    document_tokens: int = strawberry.field(
        description="Maximum number of lexical tokens in a GraphQL document."
    )
    document_depth: int = strawberry.field(
        description="Maximum depth of nested fields in an operation. Introspection does not count."
    )
    document_aliases: int = strawberry.field(
        description="Maximum number of aliases in an operation, with fragments expanded."
    )
    document_root_fields: int = strawberry.field(
        description="Maximum number of root fields in an operation, with fragments expanded."
    )
    document_fields: int = strawberry.field(
        description="Maximum number of fields in an operation, with fragments expanded."
    )
    document_cost: int = strawberry.field(
        description="Maximum cost of an operation. A field with selections costs 1 plus the cost of its "
        "selections. This is multiplied by `first` or `last` (20 for a page without them), or by the number "
        "of `ids`, `representations` or `patches`. Each object in a list of `input`, such as `operations`, "
        "costs 1. `_entities` does not count."
    )
    entities_cost: int = strawberry.field(description="Maximum cost of the `_entities` of an operation.")
    key_length: int = strawberry.field(description="Maximum length of a metadata key, in characters.")
    value_bytes: int = strawberry.field(description="Maximum size of one value as canonical JSON, in bytes.")
    metadata_bytes: int = strawberry.field(description="Maximum size of all values of a document, in bytes.")
    metadata_keys: int = strawberry.field(description="Maximum number of keys in a document.")
    patch_operations: int = strawberry.field(description="Maximum number of `operations` in one patch.")
    bulk_patches: int = strawberry.field(
        description="Maximum number of `patches` in `bulkPatchPlatformMetadata`."
    )
    page_size: int = strawberry.field(description="Maximum value of `first` and `last`.")
    nodes: int = strawberry.field(description="Maximum number of `ids` in `nodes`.")
    representations: int = strawberry.field(description="Maximum number of `representations` in `_entities`.")
    request_seconds: float = strawberry.field(description="Maximum duration of a request, in seconds.")

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            body_bytes=settings.max_body_size,
            anonymous_body_bytes=min(settings.max_anonymous_body_size, settings.max_body_size),
            response_bytes=settings.max_response_size,
            json_values=settings.max_json_values,
            document_length=settings.max_document_length,
            document_tokens=settings.max_document_tokens,
            document_depth=settings.max_document_depth,
            document_aliases=settings.max_document_aliases,
            document_root_fields=settings.max_root_fields,
            document_fields=settings.max_document_fields,
            document_cost=settings.max_document_cost,
            entities_cost=settings.max_entities_cost,
            key_length=settings.max_key_length,
            value_bytes=settings.max_value_size,
            metadata_bytes=settings.max_metadata_size,
            metadata_keys=settings.max_metadata_keys,
            patch_operations=MAX_OPERATIONS,
            bulk_patches=MAX_PATCHES,
            page_size=MAX_PAGE,
            nodes=MAX_NODES,
            representations=settings.max_representations,
            request_seconds=settings.request_timeout,
        )
