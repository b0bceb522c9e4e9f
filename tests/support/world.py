"""The users of a test. Each test has its own tenant, so tests can share a server."""

from copy import copy
from typing import Any
from uuid import uuid4

import httpx

from gql_service.auth.policy import Policy
from gql_service.domain import tenants
from gql_service.domain.users import access_tokens, provisioning
from gql_service.domain.users import rows as users
from gql_service.store.connection import Connection
from tests.support.service import Service

REST = "/api/core/users/platform-metadata/"


class Caller:
    """A user with a token, who sends GraphQL and REST requests."""

    def __init__(self, service: Service, user: users.User, token: str) -> None:
        self.service = service
        self.user = user
        self.token = token

    @property
    def id(self) -> str:
        return self.user.user_id

    @property
    def username(self) -> str:
        return self.user.username

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """POST an operation; returns the response body."""
        response = self.service.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/graphql-response+json"},
        )
        body: dict[str, Any] = response.json()
        return body

    def ask(self, query: str, **variables: Any) -> Any:
        """POST an operation that must succeed; returns its data."""
        body = self.graphql(query, **variables)
        assert "errors" not in body, body
        return body["data"]

    def rest(
        self,
        method: str,
        platform_key: str | None,
        body: Any = None,
        *,
        username: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send a REST request. The body is sent as JSON."""
        parameters = {"platform_key": platform_key, "username": username}
        return self.service.client.request(
            method,
            REST,
            params={name: value for name, value in parameters.items() if value is not None},
            json=body,
            headers={"Authorization": f"Token {self.token}", **(headers or {})},
        )


OPERATOR = Policy().tenants_for_operator()


class World:
    """A tenant with a platform, and a second tenant with its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.write(self._fill)

    async def _fill(self, tx: Connection) -> None:
        """Create everything in one transaction: most tests do this, and each commit takes its time."""
        self.tenant_id = await self._create_tenant(tx)
        self.other_tenant_id = await self._create_tenant(tx)
        self.platform_key = await self._create_platform(tx, self.tenant_id)
        self.other_platform_key = await self._create_platform(tx, self.other_tenant_id)
        here, there = self.tenant_id, self.other_tenant_id
        self.member = await self._create_user(tx, here)
        self.colleague = await self._create_user(tx, here)
        self.admin = await self._create_user(tx, here, permissions=[f"{here}::admin"])
        self.stranger = await self._create_user(tx, there)
        self.foreign_admin = await self._create_user(tx, there, permissions=[f"{there}::admin"])
        self.owner = await self._create_user(tx, there, is_platform_owner=True)

    def on(self, service: Service) -> "World":
        """The same users as clients of another server on the same database, such as an impatient one."""
        other = copy(self)
        other.service = service
        for name, each in vars(self).items():
            if isinstance(each, Caller):
                setattr(other, name, Caller(service, each.user, each.token))
        return other

    def new_tenant(self) -> str:
        return self.service.write(self._create_tenant)

    def new_platform(self, tenant_id: str | None = None) -> str:
        return self.service.write(lambda tx: self._create_platform(tx, tenant_id or self.tenant_id))

    def new_user(self, tenant_id: str | None = None, **facts: Any) -> Caller:
        """Create a user of a tenant (by default the world's first), with a token."""
        return self.service.write(lambda tx: self._create_user(tx, tenant_id or self.tenant_id, **facts))

    async def _create_tenant(self, tx: Connection) -> str:
        return (await tenants.create_tenant(tx, OPERATOR, name="A tenant", now=self._now())).id

    async def _create_platform(self, tx: Connection, tenant_id: str) -> str:
        key = f"p-{uuid4().hex}"
        await tenants.create_platform(tx, OPERATOR, key=key, tenant_id=tenant_id, now=self._now())
        return key

    async def _create_user(self, tx: Connection, tenant_id: str, **facts: Any) -> Caller:
        facts.setdefault("username", f"u_{uuid4().hex}")
        now, email = self._now(), f"{facts['username']}@example.com"
        operator = Policy().user_for_operator()
        user = await provisioning.create(tx, operator, tenant_id=tenant_id, email=email, now=now, **facts)
        token = await access_tokens.issue(tx, user.user_id, label="test", now=now)
        return Caller(self.service, user, str(token))

    def _now(self) -> int:
        return self.service.services.clock()
