"""The `Mutation` type, joined from its parts."""

import strawberry

from gql_service.schema.mutations.bulk_patch import BulkMutation
from gql_service.schema.mutations.definitions import DefinitionMutation
from gql_service.schema.mutations.documents import DocumentMutation
from gql_service.schema.mutations.identities import IdentityMutation
from gql_service.schema.mutations.retention import RetentionMutation
from gql_service.schema.mutations.tenants import TenantMutation
from gql_service.schema.mutations.user_lifecycle import UserLifecycleMutation
from gql_service.schema.mutations.users import UserMutation
from gql_service.schema.mutations.webhooks import WebhookMutation


@strawberry.type(description="The operations that write data.")
class Mutation(
    DocumentMutation,
    BulkMutation,
    UserMutation,
    UserLifecycleMutation,
    IdentityMutation,
    DefinitionMutation,
    RetentionMutation,
    TenantMutation,
    WebhookMutation,
):
    pass
