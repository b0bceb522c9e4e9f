"""A database with one tenant, its platform and a user, for tests that need little and start servers."""

import asyncio

from gql_service import instants
from gql_service.auth.policy import Policy
from gql_service.domain import tenants
from gql_service.domain.users import access_tokens, provisioning
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection
from gql_service.store.database import open_database


def new_shop(database_url: str) -> str:
    """Migrate the database, and create the tenant `acme`, the platform `shop` and the user `joe`.

    Returns the token of the user. The commands for it take ten times as long.
    """
    return asyncio.run(_new_shop(Settings(database_url=database_url)))


async def _new_shop(settings: Settings) -> str:
    now = instants.now()

    async def fill(tx: Connection) -> str:
        access = Policy().tenants_for_operator()
        await tenants.create_tenant(tx, access, id="acme", name="Acme", now=now)
        await tenants.create_platform(tx, access, key="shop", tenant_id="acme", name="Shop", now=now)
        operator = Policy().user_for_operator()
        user = await provisioning.create(
            tx, operator, tenant_id="acme", username="joe", email="joe@example.com", now=now
        )
        return str(await access_tokens.issue(tx, user.user_id, label="test", now=now))

    await migrations.upgrade(settings)
    database = open_database(settings)
    try:
        return await database.write(fill)
    finally:
        await database.close()
