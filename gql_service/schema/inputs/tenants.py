"""The inputs of mutations on tenants and platforms."""

import strawberry

_FORCE = "If true, what belongs to it is deleted as well. Otherwise, it must be empty."
_DRY_RUN = "Only count what would be deleted. Nothing is written."


@strawberry.input(description="A new tenant.")
class CreateTenantInput:
    name: str = strawberry.field(description="The name to display, 1 to 200 characters.")
    tenant_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The id: 1 to 64 letters, digits, hyphens and underscores. Default: a random one.",
    )


@strawberry.input(description="A tenant, and its new name.")
class RenameTenantInput:
    tenant_id: strawberry.ID = strawberry.field(description="The id of the tenant.")
    name: str = strawberry.field(description="The new name, 1 to 200 characters.")


@strawberry.input(description="The tenant to delete.")
class DeleteTenantInput:
    tenant_id: strawberry.ID = strawberry.field(description="The id of the tenant.")
    force: bool = strawberry.field(default=False, description=_FORCE)
    dry_run: bool = strawberry.field(default=False, description=_DRY_RUN)


@strawberry.input(description="A new platform.")
class CreatePlatformInput:
    key: str = strawberry.field(
        description="The key: 1 to 100 lower-case letters, digits, dots, hyphens and underscores. It stays."
    )
    tenant_id: strawberry.ID = strawberry.field(description="The id of the tenant that owns the platform.")
    name: str | None = strawberry.field(
        default=None, description="The name to display, 1 to 200 characters. Default: the key."
    )


@strawberry.input(description="A platform, and its new name.")
class RenamePlatformInput:
    platform_key: str = strawberry.field(description="The platform key.")
    name: str = strawberry.field(description="The new name, 1 to 200 characters.")


@strawberry.input(description="The platform to delete.")
class DeletePlatformInput:
    platform_key: str = strawberry.field(description="The platform key.")
    force: bool = strawberry.field(default=False, description=_FORCE)
    dry_run: bool = strawberry.field(default=False, description=_DRY_RUN)
