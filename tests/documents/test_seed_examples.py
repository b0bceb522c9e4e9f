"""The two examples of the specification of entries are read as they were written or imported."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gql_service import instants
from gql_service.auth.policy import Policy
from gql_service.domain import tenants
from gql_service.domain.users import access_tokens, provisioning
from gql_service.settings import Settings
from tests.support.entries import SET
from tests.support.service import Service
from tests.support.world import Caller
from tests.transfer.test_round_trip import Line, Shell, completed, jsonl, other, shell, user_line

__all__ = ["other", "shell"]

FLAG: Line = {
    "@type": "UserMetadata",
    "userId": "user_123456",
    "metadataKey": "feature_flags.new_dashboard",
    "metadataValue": "true",
    "valueType": "boolean",
    "category": "feature_flags",
    "description": "Beta access to the new dashboard interface",
    "source": "admin_panel",
    "isEncrypted": False,
    "isIndexed": True,
    "isPublic": False,
    "isEditable": False,
    "validFrom": "2024-03-01T00:00:00Z",
    "validUntil": "2024-06-01T00:00:00Z",
    "createdAt": "2024-03-01T10:00:00Z",
    "createdBy": "admin_789",
}
CUSTOMER: Line = {
    "@type": "UserMetadata",
    "userId": "user_789012",
    "metadataKey": "integrations.stripe.customerId",
    "metadataValue": "cus_P0K9mNbVcXyZ123",
    "valueType": "string",
    "category": "integrations",
    "description": "Stripe customer ID for billing integration",
    "source": "stripe_webhook",
    "isEncrypted": True,
    "isIndexed": True,
    "isPublic": False,
    "isEditable": False,
    "createdAt": "2024-01-15T14:30:00Z",
    "updatedAt": "2024-03-10T09:00:00Z",
}
AUDIT = ("createdAt", "updatedAt", "createdBy", "updatedBy")
NAMES = (*FLAG, "updatedAt", "updatedBy")
PEOPLE = ("admin_789", "user_123456", "user_789012")
RING: Any = {"2024-01": base64.b64encode(bytes(range(32))).decode()}
READ = """query ($username: String, $key: String!) { user(by: {username: $username}) { userMetadata {
  entry(key: $key) { type: __typename userId metadataKey metadataValue valueType category description source
    isEncrypted isIndexed isPublic isEditable validFrom validUntil createdAt updatedAt
    createdBy { userId } updatedBy { userId } } } } }"""


def at(instant: str) -> int:
    return instants.parse_milliseconds(instant)


@contextmanager
def serving_at(url: str, instant: str) -> Iterator[Service]:
    """A server whose clock shows this instant when it starts."""
    service = Service(Settings(database_url=url, encryption_keys=RING))
    service.clock_offset = at(instant) - instants.now()
    service.start()
    try:
        yield service
    finally:
        service.stop()


def admin_of(service: Service, *, create: bool) -> Caller:
    """The admin of the examples, with a new token. With `create`, the users of the examples are created."""

    async def enter(tx: Any) -> tuple[Any, str]:
        now = service.services.clock()
        if create:
            await tenants.create_tenant(tx, Policy().tenants_for_operator(), name="Acme", id="acme", now=now)
            for id in PEOPLE:
                permissions = ["acme::admin"] if id == "admin_789" else []
                await provisioning.create(
                    tx,
                    Policy().user_for_operator(),
                    id=id,
                    tenant_id="acme",
                    username=id,
                    email=f"{id}@x.example",
                    permissions=permissions,
                    now=now,
                )
        return await access_tokens.issue(tx, "admin_789", label="test", now=now)

    token = str(service.write(enter))
    (user,) = service.run(lambda: service.services.loaders.users_named.load_many(["admin_789"]))
    assert user is not None
    return Caller(service, user, token)


def read_entry(admin: Caller, example: Line) -> Line:
    """Read the entry of an example, with the field names of the example."""
    data = admin.ask(READ, username=example["userId"], key=example["metadataKey"])
    entry: Line = data["user"]["userMetadata"]["entry"]
    entry["@type"] = entry.pop("type")
    for name in ("createdBy", "updatedBy"):
        entry[name] = entry[name] and entry[name]["userId"]
    return {name: entry[name] for name in NAMES}


def set_entry(admin: Caller, example: Line, **fields: Any) -> None:
    attributes = {name: value for name, value in example.items() if name not in ("@type", "userId", *AUDIT)}
    input = {"username": example["userId"], "entries": [attributes | fields]}
    payload = admin.ask(SET, input=input)["setUserMetadata"]
    assert payload["userErrors"] == []


def test_the_examples_are_read_as_they_were_written(fresh_database_url: str) -> None:
    with serving_at(fresh_database_url, CUSTOMER["createdAt"]) as service:
        admin = admin_of(service, create=True)
        with service.at(at(CUSTOMER["createdAt"])):
            set_entry(admin, CUSTOMER, metadataValue="cus_before")
        for example, instant in ((FLAG, FLAG["createdAt"]), (CUSTOMER, CUSTOMER["updatedAt"])):
            with service.at(at(instant)):
                set_entry(admin, example)
                defaults = dict.fromkeys(NAMES) | {"createdBy": "admin_789", "updatedBy": "admin_789"}
                assert read_entry(admin, example) == defaults | {"updatedAt": instant} | example


@pytest.fixture
def customer_line(shell: Shell) -> Line:
    """The exported line of a document with the encrypted example."""
    with serving_at(shell.url, CUSTOMER["updatedAt"]) as service:
        set_entry(admin_of(service, create=True), CUSTOMER)
    lines: list[Line] = [json.loads(line) for line in shell.exported().splitlines()]
    (line,) = (line for line in lines if line["type"] == "document")
    return line


def test_the_examples_are_read_as_they_were_imported(other: Shell, customer_line: Line) -> None:
    created, updated = at(CUSTOMER["createdAt"]), at(CUSTOMER["updatedAt"])
    (attributes,) = customer_line["attributes"].values()
    assert CUSTOMER["metadataValue"] not in str(customer_line)
    del attributes["createdBy"]
    attributes |= {"createdAt": created, "updatedAt": updated, "updatedBy": None}
    flag = {
        "type": "document",
        "userId": FLAG["userId"],
        "platformKey": None,
        "metadata": {},
        "attributes": {
            FLAG["metadataKey"]: {
                "value": json.loads(FLAG["metadataValue"]),
                **{name: FLAG[name] for name in ("category", "description", "source")},
                **{name: FLAG[name] for name in ("isIndexed", "isPublic", "isEditable")},
                **{name: at(FLAG[name]) for name in ("validFrom", "validUntil", "createdAt")},
                "createdBy": FLAG["createdBy"],
            }
        },
        "revision": 1,
        "createdAt": at(FLAG["createdAt"]),
        "updatedAt": at(FLAG["createdAt"]),
    }
    text = jsonl(
        [
            {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": 0},
            completed(user_line("admin_789", permissions=["acme::admin"])),
            completed(user_line("user_123456")),
            flag,
            completed(user_line("user_789012")),
            customer_line | {"createdAt": created, "updatedAt": updated},
        ]
    )
    other.output("import", "-", input=text.encode(), encryption_keys=json.dumps(RING))
    assert other.exported() == text
    with serving_at(other.url, "2024-05-31T23:00:00Z") as service:
        admin = admin_of(service, create=False)
        missing = {"updatedAt": FLAG["createdAt"], "updatedBy": FLAG["createdBy"]}
        assert read_entry(admin, FLAG) == FLAG | missing
        assert read_entry(admin, CUSTOMER) == {**dict.fromkeys(NAMES), **CUSTOMER}
