"""The reviewed table of access: every field of every type, on every path to it, for every kind of viewer."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
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
LEAF = "leaf_"
"""How the aliases of the selected fields begin."""
OUTCOMES = {"UNAUTHENTICATED": "U", "FORBIDDEN": "F", "NOT_FOUND": "N"}  # v is a value, - is null


@cache
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


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    """Webhooks need an encryption key. The fields of an object are selected readable, each with an alias.

    It must end with the module: on the shared database, it would send the webhooks of other tests.
    """
    with serving(database_url, encryption_keys=KEYS, max_document_aliases=100) as running:
        yield running


@pytest.fixture(scope="module")
def schema(service: Service) -> Schema:
    return Schema(service)


def test_every_field_has_a_row(schema: Schema) -> None:
    assert set(rows(FIELDS)) == schema.fields


def test_every_path_to_an_object_has_a_row(schema: Schema) -> None:
    roots = {("Query", "query"), ("Mutation", "mutation")}
    assert set(rows(REACH)) == schema.paths() | roots


def operation(schema: Schema, path: str, type_name: str, fields: Sequence[str]) -> str:
    """The operation that selects fields of an object of a type, reached on `path`, each with its alias."""
    leaf = " ".join(_selection(schema, type_name, field) for field in fields)
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


def _selection(schema: Schema, type_name: str, field: str) -> str:
    selected = SELECT.get(f"{type_name}.{field}", field).replace(field, f"{LEAF}{field}: {field}", 1)
    return selected + (" { __typename }" if (type_name, field) in schema.composite else "")


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
        issue = "mutation { issueToken(input: {expiresInSeconds: 3600}) { accessToken { id } } }"
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

    def outcomes(
        self, principal: str, schema: Schema, path: str, type_name: str, fields: Sequence[str]
    ) -> dict[str, str]:
        """The outcome of each field for a viewer: all in one operation, or each alone if one fails."""
        text = operation(schema, path, type_name, fields)
        body = self._send(principal, type_name, text)
        self._undo(text)
        errors = body.get("errors", [])
        if len(fields) > 1 and any(_is_of_a_leaf(error) for error in errors):
            each = [self.outcomes(principal, schema, path, type_name, [field]) for field in fields]
            return {field: outcome for found in each for field, outcome in found.items()}
        leaves = {field: _leaf(body.get("data"), LEAF + field) for field in fields}
        if errors:
            assert set(leaves.values()) == {None}, body
            outcomes = [OUTCOMES.get(error["extensions"]["code"], str(error)) for error in errors]
            return dict.fromkeys(fields, "+".join(dict.fromkeys(outcomes)))
        return {field: "-" if leaf is None else "v" for field, leaf in leaves.items()}

    def _send(self, principal: str, type_name: str, text: str) -> Any:
        texts = self._texts("User" if type_name in ("Query", "Mutation") else type_name)
        if principal == "stranger" and " me " in text:  # has a document on another platform
            texts["KEY"] = self.world.other_platform_key
        query = re.sub(rf"\b({'|'.join(texts)})\b", lambda match: texts[match[1]], text)
        token = self.callers[principal].token if principal in self.callers else None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.world.service.client.post("/graphql", json={"query": query}, headers=headers).json()

    def _undo(self, text: str) -> None:
        """Restore what a mutation may have removed."""
        if not text.startswith("mutation"):
            return
        if "clear" in text:
            self.write()
        if "ebhook" in text or "redeliver" in text:
            self.webhook = store_webhook(self.world)
        if "revokeTokens" in text:
            self.sign_in()

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


def _is_of_a_leaf(error: dict[str, Any]) -> bool:
    """Whether an error does not tell that the object of the fields was refused."""
    path = error.get("path") or ()
    return error["extensions"]["code"] not in OUTCOMES or any(str(step).startswith(LEAF) for step in path)


def _leaf(value: Any, alias: str) -> Any:
    """The value of an alias in a response; for a list, its first item."""
    if isinstance(value, list):
        return next((found for each in value if (found := _leaf(each, alias)) is not None), None)
    if not isinstance(value, dict):
        return None
    if alias not in value:
        return _leaf(list(value.values()), alias)
    leaf = value[alias]
    return leaf[0] if isinstance(leaf, list) and leaf else leaf


@pytest.fixture(scope="module")
def cast_of_queries(service: Service) -> Cast:
    """Queries change nothing, so they share one."""
    return Cast(World(service))


@pytest.fixture
def cast(request: pytest.FixtureRequest, service: Service, schema: Schema, type_name: str, path: str) -> Cast:
    if operation(schema, path, type_name, ["any"]).startswith("query"):
        shared: Cast = request.getfixturevalue("cast_of_queries")
        return shared
    return Cast(World(service))


@pytest.mark.parametrize(("type_name", "path"), [key for key, cells in rows(REACH).items() if cells])
def test_each_viewer_gets_what_the_table_says(cast: Cast, schema: Schema, type_name: str, path: str) -> None:
    expected = _expected(type_name, path)
    for principal, reached in zip(PRINCIPALS, rows(REACH)[type_name, path], strict=True):
        outcomes = expected[principal]
        readable = [
            field for field, cell in outcomes.items() if cell in ("v", "-") or reached not in ("v", "s")
        ]
        alone = [[field] for field in outcomes if field not in readable]
        if path in ("query", "mutation"):
            readable, alone = [], [[field] for field in outcomes]
        actual: dict[str, str] = {}
        for fields in [readable, *alone] if readable else alone:
            actual |= cast.outcomes(principal, schema, path, type_name, fields)
        assert (principal, actual) == (principal, outcomes)


def _expected(type_name: str, path: str) -> dict[str, dict[str, str]]:
    """For each kind of viewer, the outcome of each field of the type on this path."""
    expected: dict[str, dict[str, str]] = {principal: {} for principal in PRINCIPALS}
    for (parent, field), cells in rows(FIELDS).items():
        if parent != type_name:
            continue
        own = cells[PRINCIPALS.index("self")]
        if (path, field) in NULL:
            cells = cells.replace("v", "-")
        for principal, reached, cell in zip(PRINCIPALS, rows(REACH)[type_name, path], cells, strict=True):
            outcome = {"v": cell, "s": own if own == "v" else cell}
            expected[principal][field] = outcome.get(reached, reached)
    return expected
