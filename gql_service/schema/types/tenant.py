"""`Tenant`: an organisation that owns platforms and users."""

import strawberry

from gql_service.domain import tenants
from gql_service.schema.auth_directive import PLATFORM_OWNER
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import Connection


@strawberry.type(directives=PLATFORM_OWNER, description="An organisation, which owns platforms and users.")
class Tenant:
    row: strawberry.Private[tenants.Tenant]
    name: str = column("The name to display.")
    created_at: DateTime = column("When the tenant was created.")

    @strawberry.field(description="The id of the tenant, which permissions begin with.")
    def tenant_id(self) -> strawberry.ID:
        return strawberry.ID(self.row.id)


@strawberry.type(directives=PLATFORM_OWNER, description="A page of tenants, in the order of their ids.")
class TenantConnection(Connection[Tenant]):
    node_type = Tenant

    @staticmethod
    def sort_key(row: tenants.Tenant) -> str:
        return row.id
