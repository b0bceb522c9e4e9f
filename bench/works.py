"""The works: GraphQL documents with their callers and variables, the same for all servers; and flags."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from bench.data import FLAGS_PLATFORM, Dataset

Variables = dict[str, Any]
_FLAG_SERVERS = ("ours", "bun", "bun-tuned", "node-tuned", "floor")

_USER = (
    "userId username displayName image badges { name earnedAt } "
    'platformMetadata(platformKey: "bench") { metadata }'
)


class Work(NamedTuple):
    """One kind of request, or the mix of several. `variables` returns the variables of all requests of a run,
    in order. Without a document, they are the bodies."""

    name: str
    document: str
    caller: str
    variables: Callable[[Dataset, int], Sequence[Variables]]
    path: str = "/graphql"
    parts: Sequence["Work"] = ()
    """Of a mix: the works whose requests take turns."""

    def is_done_by(self, server: str) -> bool:
        """Whether a server does this work."""
        return self.path == "/graphql" or server in _FLAG_SERVERS

    def bodies(self, dataset: Dataset, run: int) -> list[bytes]:
        """The request bodies of a run. Its number is part of what they write, so every write changes
        something."""
        if self.parts:
            return _mixed(self.parts, dataset, run)
        if not self.document:
            return [orjson.dumps(each) for each in self.variables(dataset, run)]
        name = self.document.split()[1].partition("(")[0]
        operation = {"query": self.document, "operationName": name}
        return [orjson.dumps(operation | {"variables": each}) for each in self.variables(dataset, run)]


def _mixed(parts: Sequence[Work], dataset: Dataset, run: int) -> list[bytes]:
    """As many rounds of the parts as the longest has requests, so that every write changes something."""
    bodies = {part.name: part.bodies(dataset, run) for part in parts}
    turns = {name: itertools.cycle(each) for name, each in bodies.items()}
    rounds = max(map(len, bodies.values()))
    return [next(turns[part.name]) for _ in range(rounds) for part in parts]


def _one(dataset: Dataset, _run: int) -> list[Variables]:
    return [{"id": user.id} for user in dataset.sample]


def _list_of(size: int) -> Callable[[Dataset, int], list[Variables]]:
    return lambda _dataset, _run: [{"first": size}]


def _session(_dataset: Dataset, _run: int) -> list[Variables]:
    return [{}]


def _patch(dataset: Dataset, run: int) -> list[Variables]:
    """Sets the theme of every user to `a…`, and then of every user to `b…`."""
    return [
        {"username": user.username, "metadata": {"theme": f"{letter}{run:04}"}}
        for letter in "ab"
        for user in dataset.sample
    ]


def _entities(dataset: Dataset, _run: int) -> list[Variables]:
    references = [{"__typename": "User", "userId": user.id} for user in dataset.sample]
    return [
        {"representations": references[start : start + 20]} for start in range(0, len(references) - 19, 20)
    ]


ONE = Work("one", "query One($id: ID!) { user(by: {userId: $id}) { " + _USER + " } }", "admin", _one)
FIRST_SEEN = ONE._replace(document=ONE.document.replace("user(by", "@@: user(by"))
"""Each request is a different document: see wrk.lua."""

LIST = Work(
    "list",
    'query List($first: Int!) { platform(key: "bench") { users(first: $first) { nodes { '
    + _USER
    + " } } } }",
    "admin",
    _list_of(50),
)
LIST_OF_100 = LIST._replace(variables=_list_of(100))
"""The list that a list of 50 is compared with."""

SESSION = Work(
    "session",
    "query Session { me { userId username displayName email permissions } "
    'platformMetadata(platformKey: "bench") { metadata revision } }',
    "member",
    _session,
)
SESSION_OF_50 = SESSION._replace(name="session-50", caller="consultant")
"""The same for a caller with permissions in 50 tenants."""

PATCH = Work(
    "patch",
    "mutation Patch($username: String!, $metadata: JSONObject!) { patchPlatformMetadata("
    'input: {platformKey: "bench", username: $username, metadata: $metadata}) '
    "{ platformMetadata { metadata revision } userErrors { message } } }",
    "admin",
    _patch,
)
ENTITIES = Work(
    "entities",
    "query Entities($representations: [_Any!]!) { _entities(representations: $representations) "
    "{ ... on User { userId username displayName badges { name } } } }",
    "admin",
    _entities,
)
_READS = (ONE, SESSION, ONE, ENTITIES, ONE, SESSION, ONE, ENTITIES, ONE)
MIXED = Work("mixed", "", "admin", _session, parts=(*_READS, PATCH))
"""Nine reads, then a write."""

FLAGS = Work(
    "flags",
    "",
    "member",
    lambda dataset, _run: [{"context": {"targetingKey": dataset.sample[0].id}}],
    f"/platforms/{FLAGS_PLATFORM}/ofrep/v1/evaluate/flags",
)
WORKS = {work.name: work for work in (ONE, LIST, SESSION, SESSION_OF_50, PATCH, ENTITIES, MIXED, FLAGS)}
