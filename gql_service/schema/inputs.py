"""The input types."""

import strawberry

from gql_service.schema.scalars import JSONObject


@strawberry.input(one_of=True, description="A user by exactly one of their keys.")
class UserBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    user_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The user's own id."
    )
    username: str | None = strawberry.field(default=strawberry.UNSET, description="The username.")


@strawberry.input(description="Which document a write means, and in which state.")
class DocumentInput:
    platform_key: str | None = strawberry.field(
        default=None, description="The platform's key; without one, the metadata that belongs to no platform."
    )
    username: str | None = strawberry.field(
        default=None, description="Whose metadata; by default the caller's. Naming others needs an admin."
    )
    expected_revision: int | None = strawberry.field(
        default=None, description="Write only if the document is at this revision; 0 means never written."
    )


@strawberry.input(description="Which keys to remove and which to set; at least one of the two is needed.")
class PatchPlatformMetadataInput(DocumentInput):
    metadata: JSONObject | None = strawberry.field(
        default=None, description="Keys to set, after the removals; keys not mentioned stay as they are."
    )
    delete_keys: list[str] | None = strawberry.field(
        default=None, description="Keys to remove; one that does not exist is no error."
    )


@strawberry.input(description="What the document is to contain.")
class ReplacePlatformMetadataInput(DocumentInput):
    metadata: JSONObject = strawberry.field(description="Exactly the keys the document has afterwards.")


@strawberry.input(description="Which document to empty.")
class ClearPlatformMetadataInput(DocumentInput):
    pass
