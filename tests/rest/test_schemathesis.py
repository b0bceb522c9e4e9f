"""The endpoints of REST and OFREP do what `/openapi.json` says: they take what that allows, refuse the rest,
and answer with the statuses, headers and bodies that it lists."""

from pathlib import Path
from typing import Literal

import pytest

from tests.support import schemathesis
from tests.support.world import World

pytestmark = pytest.mark.clients

CONFIGURATION = """
[parameters]
platform_key = "{platform_key}"
platformKey = "{platform_key}"
username = "{username}"

# A request that is valid by itself may name other revisions than the current one.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412"]

# A malformed entity tag is not a stale one, which would be 412.
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "415"]
"""


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_service_does_what_is_described(
    world: World, tmp_path: Path, mode: Literal["positive", "negative"]
) -> None:
    configuration = CONFIGURATION.format(platform_key=world.platform_key, username=world.member.username)
    schemathesis.check(world.service.url, tmp_path, configuration, token=world.admin.token, mode=mode)
