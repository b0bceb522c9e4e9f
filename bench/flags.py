"""The feature flags of the benchmark: 20 of four types on a platform of their own, half of them with
variants."""

from typing import Any

from gql_service.auth.policy import Policy
from gql_service.domain.definitions.define import check_input, define
from gql_service.domain.tenants import Platform
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.validation import Limits
from gql_service.settings import Settings
from gql_service.store.connection import Connection

COUNT = 20
_KINDS: list[dict[str, Any]] = [
    {
        "value_type": "boolean",
        "default": False,
        "variants": [{"name": "on", "value": True, "weight": 50_000}],
    },
    {
        "value_type": "string",
        "default": "a",
        "variants": [{"name": name, "value": name, "weight": 30_000} for name in "bc"],
    },
    {"value_type": "number", "default": 3},
    {"value_type": "json", "default": {"columns": [1, 2]}},
]


async def define_flags(transaction: Connection, platform: Platform, settings: Settings, now: int) -> None:
    """Define the flags, as the command line would."""
    access = Policy().platform_for_operator(platform)
    limits = Limits(
        settings.max_key_length,
        settings.max_value_size,
        settings.max_metadata_size,
        settings.max_metadata_keys,
        settings.max_json_values,
    )
    for number in range(COUNT):
        kind = _KINDS[number % len(_KINDS)]
        arguments = {"key": f"flag{number:02}", "category": "feature_flags", "is_editable": False} | kind
        definition = check_input(arguments, limits)
        await define(
            transaction, access, definition, force=False, keys=KeyRing({}, None), now=now, seconds=None
        )
