"""What a request tells an admin about the definitions of a platform: previews, adoption, history."""

from collections.abc import Mapping, Sequence

from gql_service.domain.definitions.document_schema import document_schema
from gql_service.domain.flags.adoption import Adoption, adoption
from gql_service.domain.flags.rollout import RolloutPreview, preview_rollout
from gql_service.domain.maintenance.write_counts import MAX_DAYS, DailyWrites, per_day
from gql_service.domain.tenants import MetadataMode, Platform
from gql_service.errors import BadUserInput
from gql_service.services.context import Context


async def platform_schema(context: Context, platform: Platform) -> str:
    """The JSON Schema of the documents of a platform, of the definitions that the caller may know."""
    (rows,) = await context.services.loaders.definitions.load_many([platform.id])
    sees_all = context.services.policy.administers(context.viewer, platform.tenant_id)
    known = [row for row in rows if sees_all or row.is_known_to_members]
    context.stored_data.count(sum(len(row.stored_rules) + len(row.stored_assignment) for row in known))
    return document_schema(platform.name, known, strict=platform.mode is MetadataMode.STRICT)


async def rollout_preview(
    context: Context, platform: Platform, key: str, weights: Mapping[str, int], salt: str | None
) -> RolloutPreview | None:
    """What other weights would mean; None if the key is not defined.

    Raises BadUserInput, Rejected or LimitExceeded.
    """
    services = context.services
    access = services.policy.platform_access(context.viewer, platform)
    async with services.database.read() as connection:
        return await preview_rollout(
            connection,
            access,
            key,
            weights,
            salt,
            keys=services.write_settings.keys,
            now=services.clock(),
            seconds=_seconds(context),
        )


async def platform_adoption(context: Context, platform: Platform, keys: Sequence[str] | None) -> Adoption:
    """How many documents have these keys, or each defined one. Raises LimitExceeded."""
    services = context.services
    access = services.policy.platform_access(context.viewer, platform)
    if keys is None:
        (rows,) = await services.loaders.definitions.load_many([platform.id])
        keys = [row.key for row in rows]
    async with services.database.read() as connection:
        return await adoption(
            connection, access, list(dict.fromkeys(keys)), now=services.clock(), seconds=_seconds(context)
        )


async def writes_per_day(context: Context, platform: Platform, days: int) -> list[DailyWrites]:
    """The writes of the last days. Raises BadUserInput."""
    if not 1 <= days <= MAX_DAYS:
        raise BadUserInput(f"`days` must be between 1 and {MAX_DAYS}.")
    services = context.services
    access = services.policy.platform_access(context.viewer, platform)
    pending = services.write_counts.pending
    async with services.database.read() as connection:
        return await per_day(connection, access, pending, now=services.clock(), days=days)


def _seconds(context: Context) -> float:
    """The time limit for reading all members or documents."""
    return context.services.settings.database_timeout / 2
