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
    "values of histories": "history(first: 1) { nodes { changes { new { value } } } }",
    "owners": "user { username }",
}
_KEYS = [f"k{number}" for number in range(2000)]
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
    "adoptions": "adoption { documents }",
    "previews of a rollout": 'rolloutPreview(key: "k", variants: [{name: "a", weight: 1}]) { members }',
    "webhooks": "webhooks { url }",
}


def _under_names(field: str, count: int) -> str:
    """The same field several times. `#` in it is the number."""
    return " ".join(f"a{number}: {field.replace('#', str(number))}" for number in range(count))


_SEVERAL_OF_DOCUMENTS = {
    "entries": _under_names('entry(key: "k#") { digest }', 3),
    "keys": _under_names('metadata(keys: ["k#"])', 15),
    "pages of entries": _under_names('entries(first: 1, where: {source: "s#"}) { nodes { digest } }', 2),
    "2,000 keys": _under_names("metadata(keys: $keys)", 15),
    "2,000 keys of the future": _under_names('metadata(keys: $keys, asOf: "2#00-01-01T00:00:00Z")', 9),
}
_SEVERAL_OF_USERS = {
    "profiles": _under_names("profileFields", 15),
    "permissions": _under_names("permissions", 15),
    "badges": _under_names("badges { name }", 4),
}
_SEVERAL_OF_PLATFORMS = {
    "schemas": _under_names("metadataSchema", 8),
    "adoptions": _under_names('adoption(keys: ["k#"]) { documents }', 4),
}
_REFUSED_OF_DOCUMENTS = {
    "effective values": _under_names("effective(keys: $keys)", 9),
    "evaluations": _under_names("evaluations(keys: $keys) { key }", 8),
    "instants": _under_names('metadata(asOf: "#")', 15),
    "pages": 'history(first: 1, after: "x") { nodes { revision } }',
}
_REFUSED_OF_USERS = {
    "documents": _under_names('platformMetadata(platformKey: "x#") { revision }', 9),
    "documents after 30,000 lines": "\n" * 30_000
    + _under_names('platformMetadata(platformKey: "x#") { revision }', 9),
    "badges": _under_names("badges { name }", 8),
}
_REFUSED_OF_PLATFORMS = {
    "writes of a year": "writesPerDay(days: 365) { day writes }",
    "adoptions": "adoption(keys: $keys) { documents }",
    "searches": 'users(first: 1, where: {metadata: [{key: "theme", contains: "a"}]}) { totalCount }',
}


def _references(caller: str, representation: dict[str, str], selection: str) -> Bomb:
    type_, declared = representation["__typename"], ", $keys: [String!]" if "$keys" in selection else ""
    query = (
        f"query ($r: [_Any!]!{declared}) "
        f"{{ _entities(representations: $r) {{ ... on {type_} {{ {selection} }} }} }}"
    )
    body = {"query": query, "variables": {"r": [representation] * 1000, "keys": _KEYS}}
    return Bomb(caller, json.dumps(body).encode())


def _of_document(selection: str) -> Bomb:
    return _of_user(f'platformMetadata(platformKey: "{PLATFORM}") {{ {selection} }}')


def _of_user(selection: str, caller: str = MEMBER) -> Bomb:
    return _references(caller, {"__typename": "User", "username": "john_doe"}, selection)


def _of_platform(selection: str) -> Bomb:
    return _references(ADMIN, {"__typename": "Platform", "key": PLATFORM}, selection)


REFERENCES = {
    **{name: _of_document(selection) for name, selection in _OF_DOCUMENTS.items()},
    **{name: _of_user(selection) for name, selection in _OF_USERS.items()},
    "changes of users": _of_user("changes(first: 1) { nodes { action } }", ADMIN),
    **{name: _of_platform(selection) for name, selection in _OF_PLATFORMS.items()},
    **{f"several {name}": _of_document(each) for name, each in _SEVERAL_OF_DOCUMENTS.items()},
    **{f"several {name}": _of_user(each) for name, each in _SEVERAL_OF_USERS.items()},
    **{f"several {name}": _of_platform(each) for name, each in _SEVERAL_OF_PLATFORMS.items()},
}
REFUSED = {
    **{f"documents: {name}": _of_document(each) for name, each in _REFUSED_OF_DOCUMENTS.items()},
    **{f"users: {name}": _of_user(each) for name, each in _REFUSED_OF_USERS.items()},
    **{f"platforms: {name}": _of_platform(each) for name, each in _REFUSED_OF_PLATFORMS.items()},
}
"""Those that have errors."""
