"""The examples of the explorer: each is a valid operation that does what its title says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import gql_service
from tests.support.live import subscriber
from tests.support.world import World

SOURCE = Path(gql_service.__file__).parent / "frontend/src/explorer/examples.ts"
EXAMPLES = dict(
    re.findall(r'title: "([^"]+)",\s+query: \(platformKey\) => `(.+?)`', SOURCE.read_text(), re.S)
)


def query(title: str, world: World) -> str:
    return str(EXAMPLES[title]).replace("${JSON.stringify(platformKey)}", json.dumps(world.platform_key))


def expected(title: str, world: World) -> Any:
    """The data of an example on a platform where nothing was written."""
    conflict = {"code": "REVISION_CONFLICT", "currentRevision": 0}
    page = {"totalCount": 0, "nodes": []}
    entry = {"metadataKey": "trial.ends", "value": "2099-06-01", "valueType": "date"}
    return {
        "Query": {"platformMetadata": {"revision": 0, "metadata": {}, "evaluations": []}},
        "Typed entry": {"setUserMetadata": {"entries": [entry], "userErrors": []}},
        "Search": {"users": page},
        "Conflict": {"patchPlatformMetadata": {"platformMetadata": None, "userErrors": [conflict]}},
        "Federation": {"_entities": [{"key": world.platform_key, "mode": "OPEN"}]},
    }[title.partition(":")[0]]


def contains(found: Any, wanted: Any) -> bool:
    """Whether what was found has all that is wanted, with whatever else in its objects."""
    if isinstance(wanted, dict):
        return all(key in found and contains(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(contains, found, wanted))
    return bool(found == wanted)


def test_there_are_the_examples() -> None:
    kinds = {title.partition(":")[0] for title in EXAMPLES}
    assert kinds == {"Query", "Typed entry", "Search", "Conflict", "Subscription", "Federation"}


@pytest.mark.parametrize("title", [title for title in EXAMPLES if not title.startswith("Subscription")])
def test_each_example_runs_as_it_is(world: World, title: str) -> None:
    data = world.admin.ask(query(title, world))
    assert contains(data, expected(title, world)), data


def test_the_subscription_runs_as_it_is(world: World) -> None:
    (title,) = (title for title in EXAMPLES if title.startswith("Subscription"))
    with subscriber(world.service.url, world.admin.token) as opened:
        opened.subscribe(query(title, world))
        opened.send(type="ping")
        assert opened.receive() == {"type": "pong"}, "it was refused"
