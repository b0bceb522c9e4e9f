"""The reviewed table of access: every field of every type, on every path to it, for every kind of viewer."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from gql_service.domain.users import access_tokens, badges
from gql_service.domain.users.profiles import OptInDecision
from tests.support.access_queries import INVALID_VARIANTS, NULL, PATHS, SELECT
from tests.support.access_table import FIELDS, REACH
from tests.support.service import Service, serving
from tests.support.users import notify
from tests.support.webhooks import KEYS, store_webhook
from tests.support.world import Caller, World

PRINCIPALS = ("nobody", "stranger", "colleague", "self", "admin", "owner")
OUTCOMES = {"UNAUTHENTICATED": "U", "FORBIDDEN": "F", "NOT_FOUND": "N"}  # v is a value, - is null


def rows(table: str) -> dict[tuple[str, str], str]:
    """From (type, name) to the cells, with one character per principal."""
    found: dict[tuple[str, str], str] = {}
    for line in table.strip().splitlines()[3:]:
        type_name, *names = line.split()
        cells = [] if names[-1] == "never" else names[-len(PRINCIPALS) :]
        for name in names[: -max(len(cells), 1)]:
            assert (type_name, name) not in found, f"{type_name} {name} has two rows"
            found[type_name, name] = "".join(cells)
    return found


STREAMED = {"Subscription", "PlatformMetadataChanged", "EffectiveChanged", "NotificationReceived"}
"""These are reached by subscriptions only: see `tests/live`."""
_NAMED = "kind name ofType { kind name ofType { kind name ofType { kind name } } }"
INTROSPECTION = f"""{{ __schema {{ types {{ kind name possibleTypes {{ name }}
  fields(includeDeprecated: true) {{ name type {{ {_NAMED} }} }} }} }} }}"""


class Schema:
    """The introspected schema: the fields of its object types, and their types."""

    def __init__(self, service: Service) -> None:
        body = service.client.post("/graphql", json={"query": INTROSPECTION}).json()
        types = {each["name"]: each for each in body["data"]["__schema"]["types"] if each["name"][:2] != "__"}
        self.fields: set[tuple[str, str]] = set()
        self.composite: dict[tuple[str, str], list[str]] = {}
        for type_name, type_ in types.items():
            if type_name in STREAMED:
                continue
            for field in type_["fields"] if type_["kind"] == "OBJECT" else ():
                self.fields.add((type_name, field["name"]))
                result = types[_named_type(field["type"])]
                possible = [each["name"] for each in result["possibleTypes"] or ()]
                if result["kind"] in ("OBJECT", "INTERFACE", "UNION"):
                    self.composite[type_name, field["name"]] = possible or [result["name"]]

    def paths(self) -> set[tuple[str, str]]:
        """All pairs of a type and a field that returns it."""
        return {(to, f"{type_}.{name}") for (type_, name), all in self.composite.items() for to in all}


def _named_type(type_: dict[str, Any]) -> str:
    return _named_type(type_["ofType"]) if type_.get("ofType") else str(type_["name"])


@pytest.fixture(scope="session")
def service(database_url: str) -> Iterator[Service]:
    """Webhooks need an encryption key."""
    with serving(database_url, encryption_keys=KEYS) as running:
        yield running


@pytest.fixture(scope="session")
def schema(service: Service) -> Schema:
    return Schema(service)


def test_every_field_has_a_row(schema: Schema) -> None:
    assert set(rows(FIELDS)) == schema.fields


def test_every_path_to_an_object_has_a_row(schema: Schema) -> None:
    roots = {("Query", "query"), ("Mutation", "mutation")}
    assert set(rows(REACH)) == schema.paths() | roots


def operation(schema: Schema, path: str, type_name: str, field: str) -> str:
    """The operation that selects one field of an object of a type, reached on `path`, as `leaf`."""
    leaf = SELECT.get(f"{type_name}.{field}", field).replace(field, f"leaf: {field}", 1)
    leaf += " { __typename }" if (type_name, field) in schema.composite else ""
    if path in ("query", "mutation"):
        return f"{path} {{ {leaf} }}"
    target = type_name
    for step in reversed([*PATHS.get(path.partition(".")[0], "").split(), path]):
        parent, _, name = step.partition(".")
        leaf = f"{SELECT.get(step, name)} {{ ... on {target} {{ {leaf} }} }}"
        target = parent
    for replacements in (
        INVALID_VARIANTS.get(type_name, {}),
        INVALID_VARIANTS.get(path.partition(".")[0], {}),
        INVALID_VARIANTS.get(path, {}),
    ):
        for good, bad in replacements.items():
            leaf = leaf.replace(good, bad)
    return f"{target.lower()} {{ {leaf} }}"


class Cast:
    """One viewer of each kind. The user `self` has data for every field."""

    def __init__(self, world: World) -> None:
        def person(tenant_id: str, **facts: Any) -> Caller:
            user = world.new_user(
                tenant_id,
                image="https://example.com/i.png",
                language="de",
                last_seen_release_version="1",
                opt_in_decisions=[OptInDecision("beta", True, 1)],
                **facts,
            )
            world.service.write(lambda tx: badges.record(tx, user.id, "projectCreated", 1))
            return user

        tenant_id, other_tenant_id = world.tenant_id, world.other_tenant_id
        self.world = world
        self.member = person(tenant_id)
        self.callers = {
            "stranger": person(other_tenant_id),
            "colleague": person(tenant_id),
            "self": self.member,
            "admin": person(tenant_id, permissions=[f"{tenant_id}::admin"]),
            "owner": person(other_tenant_id, is_platform_owner=True),
        }
        notify(world, self.member, "a")
        self.member.ask("mutation { markNotificationsRead(input: {}) { readIds } }")
        issue = "mutation { issueToken(input: {expiresInSeconds: 9}) { accessToken { id } } }"
        self.token_id = self.member.ask(issue)["issueToken"]["accessToken"]["id"]
        self.member.ask(
            f'mutation {{ revokeToken(input: {{id: "{self.token_id}"}}) {{ accessToken {{ id }} }} }}'
        )
        define = SELECT["Mutation.defineMetadata"].replace("KEY", world.platform_key)
        self.callers["admin"].ask(f"mutation {{ {define} {{ userErrors {{ code }} }} }}")
        link = SELECT["Mutation.linkIdentity"].replace("NAME", self.member.username)
        self.callers["admin"].ask(f"mutation {{ {link} {{ userErrors {{ code }} }} }}")
        self.write()
        self._change()
        change = 'mutation ($n: String) { updateUser(input: {username: $n, language: "en"}) { user { id } } }'
        self.callers["admin"].ask(change, n=self.member.username)
        self.webhook = store_webhook(world)

    def write(self) -> None:
        """Create entries with all attributes. Some only admins may set, so the member is one meanwhile."""
        self._appoint(f"{self.world.tenant_id}::admin")
        for key in (self.world.platform_key, None):
            mutation = SELECT["Mutation.setUserMetadata"].replace("DOC", "platformKey: $key")
            self.member.ask(f"mutation ($key: String) {{ {mutation} {{ userErrors {{ code }} }} }}", key=key)
            source = """mutation ($key: String) { setUserMetadata(input: {platformKey: $key,
              entries: [{metadataKey: "a", source: "s"}]}) { userErrors { code } } }"""
            self.member.ask(source, key=key)
        self._appoint()

    def _appoint(self, *permissions: str) -> None:
        appoint = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }"
        input = {"username": self.member.username, "permissions": list(permissions)}
        assert self.callers["owner"].ask(appoint, input=input)["updateUser"]["userErrors"] == []

    def sign_in(self) -> None:
        """Give the user `self` a valid token."""
        world, user_id = self.world, self.member.id
        now = world.service.services.clock()
        issued = world.service.write(lambda tx: access_tokens.issue(tx, user_id, label="", now=now))
        self.member.token = str(issued)

    def _change(self) -> None:
        """Create an entry that has all attributes and a history."""
        entry: dict[str, Any] = {name: name for name in ("metadataKey", "category", "description", "source")}
        entry |= {"validFrom": "2001-01-01T00:00:00Z", "validUntil": "2999-01-01T00:00:00Z"}
        mutation = """mutation ($input: SetUserMetadataInput!) { setUserMetadata(input: $input) {
          userErrors { message } } }"""
        self._appoint(f"{self.world.tenant_id}::admin")
        for value in ("old", "new"):
            entry |= {"metadataValue": value, "isPublic": True, "isEditable": True}
            input = {"platformKey": self.world.platform_key, "entries": [entry]}
            assert self.member.ask(mutation, input=input)["setUserMetadata"]["userErrors"] == []
        self._appoint()

    def outcome(self, principal: str, type_name: str, text: str) -> str:
        """The outcome of `leaf` for a viewer."""
        texts = self._texts("User" if type_name in ("Query", "Mutation") else type_name)
        if principal == "stranger" and " me " in text:  # has a document on another platform
            texts["KEY"] = self.world.other_platform_key
        query = re.sub(rf"\b({'|'.join(texts)})\b", lambda match: texts[match[1]], text)
        token = self.callers[principal].token if principal in self.callers else None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = self.world.service.client.post("/graphql", json={"query": query}, headers=headers).json()
        if "errors" in body:
            assert _leaf(body.get("data")) is None, body
            outcomes = [OUTCOMES.get(error["extensions"]["code"], str(error)) for error in body["errors"]]
            return "+".join(dict.fromkeys(outcomes))
        return "-" if _leaf(body["data"]) is None else "v"

    def _texts(self, type_name: str) -> dict[str, str]:
        user, key = self.member, self.world.platform_key
        ids = {"Platform": key, "PlatformMetadata": f"{user.id}:{key}", "UserMetadata": f"{user.id}:{key}:a"}
        gid = b64encode(f"{type_name}:{ids.get(type_name, user.id)}".encode()).decode()
        return {
            "NAME": user.username,
            "FRESH": uuid4().hex,
            "TENANT": self.world.tenant_id,
            "TOKEN": self.token_id,
            "WEBHOOK": self.webhook[0],
            "DELIVERY": self.webhook[1],
            "KEY": key,
            "GID": gid,
            "TYPE": type_name,
            "ENTITY": f'key: "{key}"' if type_name == "Platform" else f'id: "{gid}"',
            "DOC": f'platformKey: "{key}", username: "{user.username}"',
        }


def _leaf(value: Any) -> Any:
    """The value of `leaf` in a response; for a list, its first item."""
    if isinstance(value, list):
        return next((found for found in map(_leaf, value) if found is not None), None)
    if not isinstance(value, dict):
        return None
    if "leaf" not in value:
        return _leaf(list(value.values()))
    leaf = value["leaf"]
    return leaf[0] if isinstance(leaf, list) and leaf else leaf


@pytest.mark.parametrize(("type_name", "path"), [key for key, cells in rows(REACH).items() if cells])
def test_each_viewer_gets_what_the_table_says(
    world: World, schema: Schema, type_name: str, path: str
) -> None:
    cast, reach = Cast(world), rows(REACH)[type_name, path]
    expected, actual = {}, {}
    for (parent, field), cells in rows(FIELDS).items():
        if parent != type_name:
            continue
        text = operation(schema, path, type_name, field)
        own = cells[PRINCIPALS.index("self")]
        if (path, field) in NULL:
            cells = cells.replace("v", "-")
        expected[field] = "".join(
            {"v": cell, "s": own if own == "v" else cell}.get(reached, reached)
            for reached, cell in zip(reach, cells, strict=True)
        )
        actual[field] = ""
        for principal in PRINCIPALS:
            actual[field] += cast.outcome(principal, type_name, text)
            if "clear" in text:
                cast.write()
            if "ebhook" in text or "redeliver" in text:
                cast.webhook = store_webhook(world)
            if "revokeTokens" in text:
                cast.sign_in()
    assert actual == expected
