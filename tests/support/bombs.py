"""Requests that are built to cost much, and what a server process spends on them.

`python -m tests.support.bombs PORT PID MEMBER_TOKEN ADMIN_TOKEN` prints a table for a running server that was
started with `gql-service serve --demo`.
"""

import json
import sys
from hashlib import sha256
from typing import Any

from tests.support.bomb_target import ADMIN, ANONYMOUS, KIB, MEMBER, MIB, PLACEHOLDER, Bomb, Target
from tests.support.reference_bombs import REFERENCES, REFUSED, SMALL_DOCUMENT
from tests.support.world import REST

PLATFORM = "acme-corp"
"""A platform of the demo data; the member and the admin belong to its tenant."""


def _ask(caller: str, query: str, **rest: Any) -> Bomb:
    return Bomb(caller, json.dumps({"query": query} | rest).encode())


def _first_seen(caller: str, query: str) -> Bomb:
    """A document that is different each time it is sent, unless it is as long as it may be."""
    mark = f" #{PLACEHOLDER.decode()}"
    return _ask(caller, query if len(query) + len(mark) > LENGTH else query + mark)


def _repeat(item: str, size: int, before: str = "", after: str = "") -> str:
    """`item` as often as it fits into `size` characters."""
    return before + item * ((size - len(before) - len(after)) // len(item)) + after


def _numbered(template: str, count: int, before: str = "{", after: str = "}") -> str:
    return before + " ".join(template.replace("#", str(number)) for number in range(count)) + after


def _doubling(levels: int) -> str:
    """Fragments that select 2^levels fields."""
    fragments = [
        f"fragment f{level} on Query {{ ...f{level + 1} ...f{level + 1} }}" for level in range(levels)
    ]
    return "{ ...f0 }" + "".join(fragments) + f"fragment f{levels} on Query {{ __typename }}"


def _types(levels: int) -> str:
    """An introspection that multiplies the types of all fields."""
    return "{ __schema { types " + "{ fields { type " * levels + "{ name }" + " } }" * levels + " } }"


LENGTH = 32 * KIB
"""The length that a document may have."""
DOCUMENTS = {
    "a comment of 1 MB": "{ __typename } #".ljust(MIB - 100, "x"),
    "a block string of 1 MB": '{ node(id: """' + "x" * (MIB - 100) + '""") { id } }',
    "line breaks": "\n" * (MIB // 2 - 100),
    "braces": "{" * (MIB - 100),
    "names": _repeat("a ", MIB - 100, "{", "}"),
    "a comment of 32 KB": "{ __typename } #".ljust(LENGTH, "x"),
    "a string with escapes": '{ node(id: "' + "\\u0041" * 5000 + '") { id } }',
    "braces of 32 KB": "{" * LENGTH,
    "tokens": _repeat("a ", LENGTH, "{", "}"),
    "nested selections": "{ a " * 490 + "}" * 490,
    "nested lists": "{ a(b: " + "[" * 490 + "]" * 490 + ") }",
    "nested objects": "{ a(b: " + "{c:" * 240 + "1" + "}" * 240 + ") }",
    "aliases": _numbered("a#: __typename", 300),
    "equal fields": "{" + "__typename " * 990 + "}",
    "conflicting fields": "{" + _numbered("me { a: username } me { a: id }", 110, "", "") + "}",
    "conflicting arguments": _numbered('node(id: "#") { id }', 120),
    "doubling fragments": _doubling(90),
    "fragments that spread all others": "{ ...f0 }"
    + "".join(
        f"fragment f{number} on Query {{ {' '.join(f'...f{other}' for other in range(18))} }}"
        for number in range(18)
    ),
    "unused fragments": _numbered("fragment f# on Query { __typename }", 120, "{ __typename } ", ""),
    "operations": _numbered("query q# { __typename }", 190, "", ""),
    "variables": _numbered("$v#: Int", 240, "query (", ") { __typename }"),
    "directives": "{ __typename " + "@include(if: true) " * 150 + "}",
    "unknown fields": _numbered("usrname#", 900),
    "misspelt fields": "{ me {" + "usernam " * 900 + "} }",
    "unknown arguments": "{ node(" + _numbered("i#: 1", 240, "", "") + ") { id } }",
    "unknown types": _numbered("... on Usr# { id }", 150),
    "unknown directives": "{ __typename " + _numbered("@inclde#", 400, "", "") + " }",
    "long names": "{ " + " ".join("a" * 3000 for _ in range(10)) + " }",
    "a number of many digits": "{ badgeCatalog(first: " + "9" * 30_000 + ") { name } }",
    "a list in a document": "{ nodes(ids: [" + '"x" ' * 950 + "]) { id } }",
    "types of types": _types(3),
    "introspections": _numbered("a#: __schema { types { fields { name type { name } } } }", 8),
    "too many introspections": _numbered("a#: __schema { types { fields { name type { name } } } }", 10),
    "definitions of the schema": _numbered("a#: _service { sdl }", 10),
    "catalogs": _numbered("a#: limits { maxBodySize }", 14),
}
_PATCH = """mutation ($i: PatchPlatformMetadataInput!) {
  patchPlatformMetadata(input: $i) { userErrors { code } }
}"""
_SET = "mutation ($i: SetUserMetadataInput!) { setUserMetadata(input: $i) { userErrors { code } } }"
_BULK = """mutation ($i: BulkPatchPlatformMetadataInput!) {
  bulkPatchPlatformMetadata(input: $i) { userErrors { code } }
}"""
_USERS = f"""query ($w: UserFilter) {{
  platform(key: "{PLATFORM}") {{ users(first: 50, where: $w) {{ totalCount }} }}
}}"""
_DEFINE = "mutation ($i: DefineMetadataInput!) { defineMetadata(input: $i) { userErrors { code message } } }"
_UPDATE = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code } } }"
_ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
_OPERATION = {"set": {"path": "/a", "value": 1}}


def _patch(caller: str = MEMBER, /, **input: Any) -> Bomb:
    return _ask(caller, _PATCH, variables={"i": {"platformKey": PLATFORM} | input})


def _objects(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def _variables(text: str, caller: str = MEMBER, query: str = "{ __typename }") -> Bomb:
    """JSON text as the value of a variable that the operation does not declare."""
    return Bomb(caller, f'{{"query": {json.dumps(query)}, "variables": {{"v": {text}}}}}'.encode())


def _shared() -> Bomb:
    """Ten patches with the same variable."""
    query = _numbered(
        "a#: patchPlatformMetadata(input: $i) { userErrors { code } }",
        10,
        "mutation ($i: PatchPlatformMetadataInput!) {",
    )
    return _ask(MEMBER, query, variables={"i": {"platformKey": PLATFORM, "operations": [_OPERATION] * 3000}})


VARIABLES = {
    "objects": _variables("[" + "{}," * 340_000 + "{}]"),
    "objects in 60 KB": _variables("[" + "{}," * 20_000 + "{}]", ANONYMOUS),
    "keys in 60 KB": _variables(json.dumps(dict.fromkeys(map(str, range(5500)), 1)), ANONYMOUS),
    "numbers": _variables("[" + "1," * 500_000 + "1]"),
    "texts": _variables("[" + '"",' * 340_000 + '""]'),
    "texts in 60 KB": _variables("[" + '"",' * 21_000 + '""]', ANONYMOUS),
    "25,000 objects": _variables("[" + "{}," * 24_000 + "{}]"),
    "keys": _variables(json.dumps(dict.fromkeys(map(str, range(95_000))))),
    "equal keys": _variables("{" + '"a": 1, ' * 90_000 + '"b": 1}'),
    "a long text": _variables('"' + "x" * (MIB - 100) + '"'),
    "escapes": _variables('"' + "\\u00e9" * 170_000 + '"'),
    "quotes": _variables('"' + '\\"' * 500_000 + '"'),
    "escaped NULs": _variables('"' + "\\\\u0000" * 140_000 + '"'),
    "a number of 1 MB": _variables("1" * (MIB - 100)),
    "numbers of 20 digits": _variables("[" + "18446744073709551615," * 45_000 + "1]"),
    "long numbers in 60 KB": _variables("[" + "9223372036854775807," * 3000 + "1]", ANONYMOUS),
    "integers with a point and an exponent": _variables("[" + "90071992.54740993e8," * 45_000 + "1]"),
    "such integers in 60 KB": _variables("[" + "90071992.54740993e8," * 3000 + "1]", ANONYMOUS),
    "huge exponents": _variables("[" + "0e999999999,1e-99999999," * 35_000 + "1]"),
    "nested lists": _variables("[" * 500_000 + "]" * 500_000),
    "nested lists in 60 KB": _variables("[" * 30_000 + "]" * 30_000, ANONYMOUS),
    "15,000 operations": _patch(operations=[_OPERATION] * 15_000),
    "one variable for ten patches": _shared(),
    "30,000 digests": _patch(metadata={}, expectedDigests=[{"key": "k"}] * 30_000),
    "keys to delete": _patch(deleteKeys=["k"] * 150_000),
    "metadata of 90,000 keys": _patch(metadata=dict.fromkeys(map(str, range(90_000)), 1)),
    "metadata of 2,001 keys": _patch(metadata=dict.fromkeys(map(str, range(2001)), 1)),
    "metadata of 1 MB": _patch(metadata={"a": "x" * (MIB - 200)}),
    "metadata of 25,000 objects": _patch(metadata={"a": [_objects(60)] * 400}),
    "metadata of 60 lists": _patch(metadata={"a": [[1] * 1500] * 60}),
    "nested metadata": _patch(metadata={"a": [_objects(60)] * 1500}),
    "a path of 1 MB": _patch(operations=[{"set": {"path": "/" * (MIB // 2), "value": 1}}]),
    "18,000 entries": _ask(MEMBER, _SET, variables={"i": {"entries": [{"metadataKey": "k"}] * 18_000}}),
    "20,000 conditions": _ask(
        ADMIN, _USERS, variables={"w": {"metadata": [{"key": "k", "equals": 1}] * 20_000}}
    ),
    "a condition of 100,000 values": _ask(
        ADMIN, _USERS, variables={"w": {"metadata": [{"key": "k", "in": [1] * 90_000}]}}
    ),
    "a prefix of 1 MB": _ask(ADMIN, _USERS, variables={"w": {"usernamePrefix": "x" * (MIB - 500)}}),
    "100 patches of 100 operations": _ask(
        ADMIN,
        _BULK,
        variables={
            "i": {
                "platformKey": PLATFORM,
                "patches": [
                    {"username": f"u{number}", "operations": [_OPERATION] * 100} for number in range(100)
                ],
            }
        },
    ),
    "20,000 permissions": _ask(ADMIN, _UPDATE, variables={"i": {"permissions": ["t::p"] * 90_000}}),
    "profile fields": _ask(
        MEMBER,
        _UPDATE,
        variables={"i": {"profileFields": {str(number): {"value": "x"} for number in range(40_000)}}},
    ),
    "1,000 unknown entities": _ask(
        MEMBER,
        _ENTITIES,
        variables={"r": [{"__typename": "User", "userId": str(number)} for number in range(1000)]},
    ),
    "30,000 entities": _ask(MEMBER, _ENTITIES, variables={"r": [{"__typename": "User"}] * 30_000}),
    "a wrong list for a number": _ask(
        MEMBER, "query ($a: Int) { __typename }", variables={"a": [[]] * 90_000}
    ),
    "wrong items": _ask(MEMBER, "query ($a: [Int]) { __typename }", variables={"a": ["x"] * 90_000}),
    "an input with 90,000 unknown fields": _patch(
        **dict.fromkeys([f"f{number}" for number in range(60_000)], 1)
    ),
}


def _headers(
    *headers: tuple[str, str], method: str = "POST", target: str = "/graphql", body: bytes = b""
) -> Bomb:
    return Bomb(ANONYMOUS, body or b'{"query": "{ __typename }"}', method, target, headers)


def _hash_of(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}


_HEAD = 60 * KIB
BODIES = {
    "no JSON": Bomb(MEMBER, b"x" * MIB),
    "brackets": Bomb(MEMBER, b"[" * MIB),
    "white space": Bomb(MEMBER, b" " * (MIB - 1) + b"1"),
    "a batch": Bomb(MEMBER, b"[" + b'{"query": "{ __typename }"},' * 35_000 + b"{}]"),
    "no UTF-8": Bomb(MEMBER, b'{"query": "' + b"\xff" * (MIB - 100) + b'"}'),
    "surrogates": Bomb(MEMBER, b'{"query": "' + b"\\ud800" * 170_000 + b'"}'),
    "extensions": Bomb(
        MEMBER, b'{"query": "{ __typename }", "extensions": {"a": [' + b"{}," * 340_000 + b"{}]}}"
    ),
    "an operation name of 1 MB": _ask(MEMBER, "{ __typename }", operationName="x" * (MIB - 100)),
    "a hashed document of 1 MB": _ask(MEMBER, "{" * (MIB - 500), extensions=_hash_of("{" * (MIB - 500))),
    "1 MB without a token": Bomb(ANONYMOUS, b'{"query": "{ __typename }"}'.ljust(MIB)),
    "a hash of 60 KB": Bomb(
        ANONYMOUS,
        json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x" * 60_000}}}).encode(),
    ),
}
HEADERS = {
    "a token of 60 KB": _headers(("Authorization", "Bearer " + "x" * _HEAD)),
    "dots in a token": _headers(("Authorization", "Bearer " + "gql_" * (_HEAD // 4))),
    "media ranges": _headers(("Accept", "a/b;q=0.1," * (_HEAD // 10))),
    "parameters of a media range": _headers(("Accept", "a/b" + ";q=1" * (_HEAD // 4))),
    "quotes in a media range": _headers(("Accept", 'a/b;c="' + '\\"' * (_HEAD // 2) + '"')),
    "parameters of a content type": _headers(("Content-Type", "application/json" + ";charset=utf-8" * 4000)),
    "header lines": _headers(*((f"X-{number}", "1") for number in range(5000))),
    "origins": _headers(("Origin", "https://" + "a." * (_HEAD // 2))),
    "hosts": _headers(("X-Forwarded-For", "1.2.3.4," * (_HEAD // 8)), ("Forwarded", "for=1.2.3.4;" * 100)),
    "a query string": _headers(method="GET", target="/graphql?query=" + "%7B" * (_HEAD // 3)),
    "parameters": _headers(method="GET", target="/graphql?" + "a=1&" * (_HEAD // 4)),
    "variables in a query string": _headers(
        method="GET", target="/graphql?query={__typename}&variables=[" + "[]," * (_HEAD // 3) + "1]"
    ),
    "a path": _headers(method="GET", target="/" + "../" * (_HEAD // 3)),
}


def _rest(method: str, body: Any, query: str = f"platform_key={PLATFORM}", **headers: str) -> Bomb:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Bomb(MEMBER, content, method, f"{REST}?{query}", names)


REST_BOMBS = {
    "60,000 keys": _rest("PATCH", {"metadata": dict.fromkeys([f"k{number}" for number in range(60_000)], 1)}),
    "60,000 keys to delete": _rest("PATCH", {"delete_keys": [f"k{number}" for number in range(60_000)]}),
    "a replacement of 1 MB": _rest("PUT", {"metadata": {"a": "x" * (MIB - 200)}}),
    "nested metadata": _rest("PUT", {"metadata": {"a": [_objects(60)] * 1500}}),
    "brackets": _rest("PATCH", b"[" * MIB),
    "unknown fields": _rest("PATCH", dict.fromkeys([f"k{number}" for number in range(60_000)], 1)),
    "a key of 1 MB": _rest("PATCH", {"metadata": {"k" * (MIB - 200): 1}}),
    "a platform key of 60 KB": _rest("GET", b"", "platform_key=" + "x" * _HEAD),
    "a username of 60 KB": _rest("GET", b"", f"platform_key={PLATFORM}&username=" + "x" * _HEAD),
    "entity tags": _rest("GET", b"", If_None_Match='"1",' * (_HEAD // 4)),
    "a key for repetitions": _rest("PATCH", {"metadata": {}}, Idempotency_Key="x" * _HEAD),
}


def _define(key: str, value_type: str = "json", **rules: Any) -> Bomb:
    definition = {"platformKey": PLATFORM, "key": key, "valueType": value_type, "force": True}
    return _ask(ADMIN, _DEFINE, variables={"i": definition | rules})


def _exponential(levels: int) -> dict[str, Any]:
    names = {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)}
    return {"$defs": names | {f"a{levels}": {"type": "integer"}}, "$ref": "#/$defs/a0"}


def _alternatives(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"anyOf": [schema, {"items": schema}]} if levels < 8 else {"anyOf": [schema]}
    return schema


def _large(number: int) -> str:
    """A pattern that takes nearly as much as it may when it is compiled."""
    return rf"^(\p{{L}}|{number}){{1,18}}$"


RULES = {
    "an exponential schema": _define("s1", schema=_exponential(20)),
    "a schema of schemas": _define("s2", schema=_alternatives(7)),
    "a deep schema": _define("s3", schema=_alternatives(25)),
    "a schema of 1 MB": _define("s4", schema={"description": "x" * (MIB - 500)}),
    "a schema of 90,000 values": _define("s5", schema={"enum": list(range(90_000))}),
    "a schema of 100 patterns": _define(
        "s6", schema={"allOf": [{"pattern": f"(a|b{number}){{50}}"} for number in range(100)]}
    ),
    "properties": _define("s7", schema={"properties": {f"p{number}": {} for number in range(900)}}),
    "references": _define(
        "s8", schema={"$defs": {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(300)}}
    ),
    "unique items": _define("s9", schema={"uniqueItems": True}),
    "a pattern that backtracks": _define("p1", "string", pattern="^(a+)+$"),
    "a pattern of repetitions": _define("p2", "string", pattern="((a{50}){50}){50}"),
    "a pattern of classes": _define("p3", "string", pattern=r"(\p{L}|\p{N}|\w){300}"),
    "a large pattern": _define("p6", "string", pattern=_large(20)),
    "20 large patterns": _define(
        "s10",
        schema={"allOf": [{"pattern": rf"(\p{{L}}|\p{{N}}|\w){{{70 + number}}}"} for number in range(20)]},
    ),
    "a value for a large pattern": _patch(ADMIN, metadata={"p6": "é" * 60_000}),
    "a pattern of 2,000 characters": _define("p4", "string", pattern="(a?)" * 500),
    "a pattern of 1 MB": _define("p5", "string", pattern="a" * (MIB - 500)),
    "choices of 90,000 values": _define("c1", "number", choices=list(range(90_000))),
    "choices of 500 texts": _define(
        "c2", "string", choices=["x" * 60 + str(number) for number in range(500)]
    ),
    "a value for a pattern that backtracks": _patch(ADMIN, metadata={"p1": "a" * 130_000 + "b"}),
    "a value for a pattern of classes": _patch(ADMIN, metadata={"p3": "é" * 60_000}),
    "a value for a long pattern": _patch(ADMIN, metadata={"p4": "a" * 130_000}),
    "a value for unique items": _patch(ADMIN, metadata={"s9": [[number] for number in range(20_000)]}),
    "a value for many patterns": _patch(ADMIN, metadata={"s6": "ab" * 60_000}),
    "a value for a schema of schemas": _patch(ADMIN, metadata={"s2": [[[["x"]]]] * 9000}),
}


def _stored(selection: str) -> Bomb:
    return _first_seen(
        MEMBER, f'{{ me {{ platformMetadata(platformKey: "{PLATFORM}") {{ {selection} }} }} }}'
    )


LARGE_DOCUMENT = _patch(metadata={f"k{number}": PLACEHOLDER.decode() + "x" * 2000 for number in range(300)})
"""A document of 600 KB. Whenever it is sent, a change of 1.2 MB is added to its history."""
STORED = {
    "a large document": LARGE_DOCUMENT,
    "a large document again": LARGE_DOCUMENT,
    "a page of its history": _stored("history(first: 100) { nodes { changedKeys deletedKeys } }"),
    "the end of its history": _stored("history(last: 100) { nodes { changes { key } } }"),
    "pages of its history": _stored(_numbered("h#: history(first: 1#) { nodes { changedKeys } }", 9, "", "")),
    "values of its history": _stored(
        "history(first: 5) { nodes { changes { old { value } new { value } } } }"
    ),
    "its past": _stored('metadata(asOf: "2024-01-01T00:00:00Z")'),
    "filters of its entries": _stored(
        _numbered('e#: entries(first: 1, where: {keyPrefix: "k#", source: "s"}) { totalCount }', 14, "", "")
    ),
    "its entries": _stored(_numbered('e#: entry(key: "k#") { value digest }', 14, "", "")),
    "its metadata": _stored(_numbered("m#: metadata", 13, "", "")),
    "deep values to merge": _patch(
        mode="MERGE_PATCH", metadata={f"m{number}": _objects(60) for number in range(150)}
    ),
    "JSON in texts": _ask(
        MEMBER,
        _SET,
        variables={
            "i": {
                "entries": [
                    {
                        "metadataKey": f"j{number}",
                        "metadataValue": "[" + "{}," * 30_000 + "{}]",
                        "valueType": "json",
                    }
                    for number in range(8)
                ]
            }
        },
    ),
}
"""Documents that are stored first, and requests that read much of them."""


def _several(caller: str, mutation: str, metadata: Any = None) -> Bomb:
    """Ten writes of the same document in one request. `#` in `mutation` is the number of the write."""
    text = _numbered(f"w#: {mutation} {{ userErrors {{ code }} }}", 10)
    if metadata is None:
        return _ask(caller, f"mutation {text}")
    return _ask(caller, f"mutation ($metadata: JSONObject!) {text}", variables={"metadata": metadata})


_WRITE = f'patchPlatformMetadata(input: {{platformKey: "{PLATFORM}", metadata: {{z: #}}}})'
_WRITE_ALL = f'patchPlatformMetadata(input: {{platformKey: "{PLATFORM}", metadata: $metadata}})'
_MERGE = _WRITE_ALL.replace("metadata:", "mode: MERGE_PATCH, metadata:")
_RESTORE = (
    f'restorePlatformMetadata(input: {{platformKey: "{PLATFORM}", username: "john_doe", revision: 1#}})'
)
SEVERAL = {
    "a key of a large document": _several(MEMBER, _WRITE),
    "restores": _several(ADMIN, _RESTORE),
    "many keys": _several(MEMBER, _WRITE_ALL, {f"w{number}": number for number in range(600)}),
    "deep values to merge": _several(MEMBER, _MERGE, {f"m{number}": _objects(60) for number in range(150)}),
}
"""Requests that write a document several times."""
FIRST = (LARGE_DOCUMENT, SMALL_DOCUMENT)
"""What has to be sent before others, so that these find what they read."""
BOMBS: dict[str, Bomb] = {
    **{
        f"document: {name}": _first_seen(ANONYMOUS, text)
        for name, text in DOCUMENTS.items()
        if len(text) < 2 * LENGTH
    },
    **{f"document of a member: {name}": _first_seen(MEMBER, text) for name, text in DOCUMENTS.items()},
    **{f"variables: {name}": bomb for name, bomb in VARIABLES.items()},
    **{f"body: {name}": bomb for name, bomb in BODIES.items()},
    **{f"headers: {name}": bomb for name, bomb in HEADERS.items()},
    **{f"REST: {name}": bomb for name, bomb in REST_BOMBS.items()},
    **{f"stored: {name}": bomb for name, bomb in STORED.items()},
    **{f"references: {name}": bomb for name, bomb in REFERENCES.items()},
    **{f"refused references: {name}": bomb for name, bomb in REFUSED.items()},
    **{f"writes: {name}": bomb for name, bomb in SEVERAL.items()},
    **{f"rules: {name}": bomb for name, bomb in RULES.items()},
}


def _main() -> None:
    port, pid, member_token, admin_token = sys.argv[1:]
    target = Target(int(port), int(pid), member_token, admin_token)
    write = sys.stdout.write
    write(f"{len(BOMBS)} bombs; this machine is {target.scale:.2f} times as slow\n")
    write("status | processor ms | waiting: processor ms | wall ms | caller and bomb\n")
    for bomb in FIRST:
        target.send(bomb)
    for name, bomb in BOMBS.items():
        target.calibrate()
        status = target.send(bomb)
        cost = min(target.cost_of(bomb) for _ in range(3))
        waiting = [target.waiting_beside(bomb) for _ in range(3)]
        processor, wall = min(each.processor for each in waiting), min(each.wall for each in waiting)
        write(f"{status} | {cost:7.1f} | {processor:7.1f} | {wall:7.1f} | {bomb.caller:9} | {name}\n")


if __name__ == "__main__":
    _main()
