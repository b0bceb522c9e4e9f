"""Demo data: a tenant with a member, an admin and four platforms."""

from typing import NamedTuple

from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain import tenants
from gql_service.domain.users import access_tokens, badges, provisioning
from gql_service.domain.users import rows as users
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes import unit_of_work
from gql_service.domain.writes.changes import replace
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection

TENANT = "67f3b695bb457009cc645282"
PLATFORMS = {"acme-corp": "Acme Corp", "my-app": "My App", "corporate": "Corporate", "personal": "Personal"}
MEMBER, ADMIN = "john_doe", "jane_admin"
_METADATA = {"theme": "dark", "language": "en", "notifications_enabled": True, "onboarding_completed": True}


class DemoTokens(NamedTuple):
    """New tokens. They are valid until the demo data is loaded again."""

    member: str
    admin: str


async def load(
    transaction: Connection, *, policy: Policy, write_settings: WriteSettings, now: int
) -> DemoTokens:
    """Create the demo data if it is missing, and replace the tokens of earlier calls.

    Raises BadUserInput if the database has other users of the same names.
    """
    member, admin = await users.by_usernames(transaction, [MEMBER, ADMIN])
    if member is None and admin is None:
        await _create(transaction, policy, write_settings, now)
        member, admin = await users.by_usernames(transaction, [MEMBER, ADMIN])
    if member is None or admin is None or {member.tenant_id, admin.tenant_id} != {TENANT}:
        raise BadUserInput(
            f"The database has a user {MEMBER} or {ADMIN} that is not demo data. Use another database."
        )
    return DemoTokens(
        await _token(transaction, member.user_id, now), await _token(transaction, admin.user_id, now)
    )


async def _create(
    transaction: Connection, policy: Policy, write_settings: WriteSettings, now: int
) -> users.User:
    operator = policy.tenants_for_operator()
    await tenants.create_tenant(transaction, operator, name="Acme", id=TENANT, now=now)
    for key, name in PLATFORMS.items():
        await tenants.create_platform(transaction, operator, key=key, tenant_id=TENANT, name=name, now=now)
    member = await provisioning.create(
        transaction,
        policy.user_for_operator(),
        username=MEMBER,
        tenant_id=TENANT,
        email="john.doe@example.com",
        permissions=[f"{TENANT}::read"],
        profile_fields={"firstName": {"value": "John"}, "lastName": {"value": "Doe"}},
        now=now,
    )
    await provisioning.create(
        transaction,
        policy.user_for_operator(),
        username=ADMIN,
        tenant_id=TENANT,
        email="jane@example.com",
        permissions=[f"{TENANT}::{policy.admin_permission}"],
        profile_fields={"firstName": {"value": "Jane"}},
        now=now,
    )
    await badges.record(transaction, member.user_id, "projectCreated", 1_713_800_000_000)
    await badges.record(transaction, member.user_id, "firstApplicationCreated", 1_713_900_000_000)
    platform = (await tenants.platforms_by_keys(transaction, ["acme-corp"]))[0]
    assert platform is not None, "it was just created"
    caller = Principal.create(member.user_id, MEMBER, TENANT, member.permissions, is_platform_owner=False)
    access = policy.platform_document(caller, platform, member)
    write = unit_of_work.Write(
        access, replace(_METADATA, write_settings.limits), unit_of_work.any_revision, "demo"
    )
    await unit_of_work.write(transaction, write, write_settings=write_settings, now=now)
    return member


async def _token(transaction: Connection, user_id: str, now: int) -> str:
    for token in await access_tokens.of_user(transaction, user_id):
        if token.label == "demo":
            await access_tokens.revoke(transaction, token.id, now=now)
    return str(await access_tokens.issue(transaction, user_id, label="demo", now=now))
