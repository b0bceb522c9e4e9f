"""The root of every write, joined from its parts."""

import strawberry

from gql_service.schema.mutations.bulk_patch import BulkMutation
from gql_service.schema.mutations.definitions import DefinitionMutation
from gql_service.schema.mutations.documents import DocumentMutation
from gql_service.schema.mutations.users import UserMutation


@strawberry.type(description="Everything that can be written.")
class Mutation(BulkMutation, UserMutation, DefinitionMutation, DocumentMutation):
    pass
