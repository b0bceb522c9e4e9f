"""Setting the retention of a platform, and pruning."""

from typing import Any

from gql_service.domain.maintenance.retention_walk import PruneResult, RetentionWalk
from tests.support.world import World

DAY = 24 * 3600 * 1000
SET = """mutation ($i: SetRetentionInput!) { setRetention(input: $i) {
  platform { key retention { historyMaxAge historyMaxChanges idempotencyMaxAge } }
  userErrors { code message field } } }"""


def set_retention(world: World, **numbers: int | None) -> Any:
    """Set the retention of the world's platform, as an admin."""
    return world.admin.ask(SET, i={"platformKey": world.platform_key} | numbers)["setRetention"]


def prune(world: World) -> PruneResult:
    """Look at all documents, as the command `sweep` does."""
    services = world.service.services
    walk = RetentionWalk(services.database, services.write_settings.retention, services.clock)
    return world.service.run(walk.whole)
