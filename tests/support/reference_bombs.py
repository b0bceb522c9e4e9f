"""Requests with 1,000 references to the same object, and what each of them reads of it."""

import json

from tests.support.bomb_target import ADMIN, MEMBER, Bomb

PLATFORM = "my-app"
"""A platform of the demo data, on which no other bomb writes."""
_WRITE = """mutation ($i: PatchPlatformMetadataInput!) {
  patchPlatformMetadata(input: $i) { userErrors { code } }
}"""
_METADATA = {
    "theme": "dark",
    "onboarding": {"done": True, "steps": [1, 2, 3]},
    "beta": False,
    "k1": "x" * 200,
}
SMALL_DOCUMENT = Bomb(
    MEMBER,
    json.dumps(
        {"query": _WRITE, "variables": {"i": {"platformKey": PLATFORM, "metadata": _METADATA}}}
    ).encode(),
)
"""Writes the document that is read."""

_OF_DOCUMENTS = {
    "metadata": "metadata",
    "keys": 'metadata(keys: ["k1"])',
    "keys in the future": 'metadata(keys: ["k1"], asOf: "2100-01-01T00:00:00Z")',
    "pasts": 'metadata(asOf: "2024-01-01T00:00:00Z")',
    "effective values": "effective",
    "evaluations": 'evaluations(category: "x") { key value reason }',
    "evaluations without entries": "evaluations(withoutEntries: true) { key }",
    "entries": 'entry(key: "k1") { value digest viewerCan { edit } }',
    "pages of entries": "entries(first: 1) { totalCount nodes { digest } }",
    "filtered pages of entries": 'entries(first: 1, where: {keyPrefix: "k"}) { totalCount nodes { digest } }',
    "last pages of entries": 'entries(last: 1, where: {category: "x"}) { totalCount pageInfo { endCursor } }',
    "entries in short": "entrySummaries { metadataKey digest }",
    "histories": "history(first: 1) { nodes { changedKeys } }",
    "values of histories": "history(first: 1) { nodes { changes { key new { value } } } }",
    "entries under 4 names": " ".join(
        f'a{number}: entry(key: "k{number}") {{ digest }}' for number in range(4)
    ),
    "keys under 15 names": " ".join(f'a{number}: metadata(keys: ["k{number}"])' for number in range(15)),
    "pages under 3 names": " ".join(
        f'a{number}: entries(first: 1, where: {{source: "s{number}"}}) {{ nodes {{ digest }} }}'
        for number in range(3)
    ),
    "owners": "user { username }",
}
_OF_USERS = {
    "user-wide documents": "userMetadata { metadata }",
    "pages of documents": "documents(first: 2) { nodes { revision } }",
    "notifications": "notifications(first: 2) { nodes { id } } unreadNotificationCount",
    "tokens": "tokens(first: 2) { nodes { label } }",
    "identities": "identities { subject }",
    "badges": "badges { name earnedAt } badgeProgress { earned total }",
    "locked badges": "badgeProgress { locked { name title criteria } }",
    "platforms": "platforms(first: 2) { nodes { key } }",
    "profiles": "profileFields email permissions",
}
_OF_PLATFORMS = {
    "users": 'users(first: 1, where: {usernamePrefix: "a"}) { totalCount }',
    "events": "events(first: 1) { nodes { type } }",
    "definitions": "definitions { key } metadataSchema retention { historyMaxAge }",
    "histories of definitions": "definitionHistory(first: 1) { nodes { key } }",
    "writes of a day": "writesPerDay(days: 1) { day writes }",
    "writes of a week": "writesPerDay(days: 7) { day writes }",
    "writes of a year": "writesPerDay(days: 365) { day writes }",
    "adoptions": "adoption { documents }",
    "previews of a rollout": 'rolloutPreview(key: "k", variants: [{name: "a", weight: 1}]) { members }',
    "webhooks": "webhooks { url }",
}
TOO_LARGE = ("writes of a year",)
"""Those that would return more objects than a request may."""


def _references(caller: str, representation: dict[str, str], selection: str) -> Bomb:
    type_ = representation["__typename"]
    query = (
        f"query ($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {type_} {{ {selection} }} }} }}"
    )
    body = {"query": query, "variables": {"r": [representation] * 1000}}
    return Bomb(caller, json.dumps(body).encode())


_USER = {"__typename": "User", "username": "john_doe"}
REFERENCES = {
    **{
        name: _references(MEMBER, _USER, f'platformMetadata(platformKey: "{PLATFORM}") {{ {selection} }}')
        for name, selection in _OF_DOCUMENTS.items()
    },
    **{name: _references(MEMBER, _USER, selection) for name, selection in _OF_USERS.items()},
    "changes of users": _references(ADMIN, _USER, "changes(first: 1) { nodes { action } }"),
    **{
        name: _references(ADMIN, {"__typename": "Platform", "key": PLATFORM}, selection)
        for name, selection in _OF_PLATFORMS.items()
    },
}
