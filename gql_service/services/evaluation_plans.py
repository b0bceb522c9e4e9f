"""The definitions of platforms, prepared for evaluation, and kept until they change."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from gql_service.domain.flags.evaluation import PlatformPlan
from gql_service.domain.flags.state import DefinitionVersion
from gql_service.services.loaders import Loaders

_MAX_SIZE = 16 * 1024 * 1024
"""Bytes of the texts of all definitions that are kept."""
_DEFINITION_SIZE = 1024
"""What a definition takes besides its texts."""


class _Kept(NamedTuple):
    version: DefinitionVersion
    plan: PlatformPlan
    size: int


class EvaluationPlans:
    """The plans of one process. Each use reads the version of the definitions, which is a single row."""

    def __init__(self, loaders: Loaders) -> None:
        self._loaders = loaders
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0

    async def of_platform(self, platform_id: str, version: DefinitionVersion | None = None) -> PlatformPlan:
        """The plan of a platform by its id. `version` is given if the request has read it already."""
        if version is None:
            version = await self._loaders.definition_versions.load(platform_id)
        kept = self._kept.get(platform_id)
        if kept is not None and kept.version == version:
            self._kept.move_to_end(platform_id)
            return kept.plan
        # If they change between these two reads, the next version does not match.
        rows = await self._loaders.definitions.load(platform_id)
        plan = PlatformPlan(rows)
        texts = [
            len(row.stored_rules) + len(row.stored_assignment) + len(row.stored_defaults) for row in rows
        ]
        self._keep(platform_id, _Kept(version, plan, sum(texts) + _DEFINITION_SIZE * (len(rows) + 1)))
        return plan

    async def of_platforms(self, platform_ids: Iterable[str]) -> dict[str, PlatformPlan]:
        """The plans of platforms by their ids."""
        return {id: await self.of_platform(id) for id in platform_ids}

    def _keep(self, platform_id: str, kept: _Kept) -> None:
        if (former := self._kept.pop(platform_id, None)) is not None:
            self._size -= former.size
        self._kept[platform_id] = kept
        self._size += kept.size
        while self._size > _MAX_SIZE:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size
