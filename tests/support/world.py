"""The users of a test. Each test has its own tenant, so tests can share a server."""

from typing import Any
from uuid import uuid4

import httpx

from gql_service.auth.policy import Policy
from gql_service.domain import tenants
from gql_service.domain.users import access_tokens, provisioning
from gql_service.domain.users import rows as users
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


class World:
    """A tenant with a platform, and a second tenant with its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.tenant_id = self.new_tenant()
        self.other_tenant_id = self.new_tenant()
        self.platform_key = self.new_platform(self.tenant_id)
        self.other_platform_key = self.new_platform(self.other_tenant_id)
        self.member = self.new_user()
        self.colleague = self.new_user()
        self.admin = self.new_user(permissions=[f"{self.tenant_id}::admin"])
        self.stranger = self.new_user(self.other_tenant_id)
        self.foreign_admin = self.new_user(
            self.other_tenant_id, permissions=[f"{self.other_tenant_id}::admin"]
        )
        self.owner = self.new_user(self.other_tenant_id, is_platform_owner=True)

    def new_tenant(self) -> str:
        now = self.service.services.clock()
        return self.service.write(lambda tx: tenants.create_tenant(tx, name="A tenant", now=now)).id

    def new_platform(self, tenant_id: str | None = None) -> str:
        key, now = f"p-{uuid4().hex}", self.service.services.clock()
        tenant_id = tenant_id or self.tenant_id
        self.service.write(lambda tx: tenants.create_platform(tx, key=key, tenant_id=tenant_id, now=now))
        return key

    def new_user(self, tenant_id: str | None = None, **facts: Any) -> Caller:
        """Create a user of a tenant (by default the world's first), with a token."""
        now = self.service.services.clock()
        facts.setdefault("username", f"u_{uuid4().hex}")

        async def create(tx: Any) -> tuple[users.User, str]:
            user = await provisioning.create(
                tx,
                Policy().user_for_operator(),
                tenant_id=tenant_id or self.tenant_id,
                email=f"{facts['username']}@example.com",
                now=now,
                **facts,
            )
            return user, str(await access_tokens.issue(tx, user.user_id, label="test", now=now))

        return Caller(self.service, *self.service.write(create))
