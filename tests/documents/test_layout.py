"""Large documents are stored with a layout, by which their entries are read without decoding the others. What
is read and written is the same as without it."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, null, select, update

from gql_service import strict_json
from gql_service.domain.documents import layout
from gql_service.store import tables
from tests.support.clock import HOUR, instant
from tests.support.entries import ENTRY, set_entries
from tests.support.service import serving
from tests.support.stored import fetch, platform_id
from tests.support.users import run_sql
from tests.support.world import Caller, World

KEYS = st.text("aéz\U0001f600", max_size=2) | st.integers(0, 200).map(lambda number: f"k{number}")
VALUES = (
    st.integers(-9, 99)
    | st.text('x"{}:,é', max_size=9)
    | st.just({"k": [1, {"k1": 2}]})
    | st.just("v" * 3000)
)
WRITES = st.lists(st.tuples(KEYS, VALUES | st.none()), max_size=60)
"""Keys with new values; None deletes."""
NUMBERS = range(1000)


@given(st.dictionaries(KEYS, VALUES), st.integers(0, 250), st.lists(WRITES, max_size=4), KEYS)
def test_a_sliced_object_equals_a_dictionary(
    some: dict[str, Any], number: int, batches: list[Any], start: str
) -> None:
    model = some | {f"k{index}": index for index in range(number)}
    members: layout.Members = dict(model)
    for batch in [[], *batches, [(key, None) for key in model]]:
        for key, value in batch:
            assert (key in members, members.get(key)) == (key in model, model.get(key))
            if value is None:
                model.pop(key, None)
                members.pop(key, None)
            else:
                model[key] = members[key] = value
        for backwards in (False, True):
            ordered = sorted(model, reverse=backwards)
            expected = [key for key in ordered if (key <= start if backwards else key >= start)]
            assert list(layout.keys_from(members, start, backwards=backwards)) == expected
            assert list(layout.keys_from(members, None, backwards=backwards)) == ordered
        assert (len(members), layout.whole(members)) == (len(model), model)
        text, found = layout.encode(members)
        assert text == strict_json.dumps(model)
        stored = layout.from_text(layout.to_text({"it": found}, 7), 7)
        is_large = len(model) > layout.MAX_SMALL_KEYS or len(text) > layout.MAX_SMALL_SIZE
        assert ("it" in stored) == is_large
        members = layout.decode(text, stored.get("it"))
        assert isinstance(members, layout.SlicedObject) == is_large
        if found is not None:
            assert sum(found.counts) == len(model)
            assert len(found.starts) <= 4 * (len(model) // 32 + len(text) // 4096 + 1)


@pytest.fixture(scope="module")
def vault(database_url: str) -> Iterator[World]:
    """A world whose service can encrypt."""
    keys = {"k1": b64encode(b"1" * 32).decode()}
    with serving(database_url, encryption_keys=keys, sweep_interval=3600) as service:
        yield World(service)


def large_document(world: World) -> Caller:
    """A user with a document of 1,000 keys, every tenth of which is hidden, has a window, or is encrypted."""
    user = world.new_user()
    metadata = {f"k{number:04}": {"n": [number, "é"]} for number in NUMBERS}
    assert user.rest("PATCH", world.platform_key, {"metadata": metadata}).status_code == 200
    special: list[dict[str, Any]] = [
        {"isPublic": False, "category": "c"},
        {"validUntil": instant(world.service, HOUR), "category": "c"},
        {"validFrom": instant(world.service, HOUR)},
        {"isEncrypted": True},
    ]
    for kind, attributes in enumerate(special):
        entries = [
            {"metadataKey": f"k{number:04}", "metadataValue": f"s{number}", "valueType": "string"}
            | attributes
            for number in NUMBERS[kind * 10 :: 40]
        ]
        assert not set_entries(world.admin, world, *entries, username=user.username)["userErrors"]
    return user


SELECTION = f"""query ($key: String!, $name: String!) {{
  platformMetadata(platformKey: $key, username: $name) {{
  revision metadata
  some: metadata(keys: ["k0000", "k0001", "k0010", "k0020", "k0030", "k0999", "none"])
  first: entries(first: 30) {{ totalCount pageInfo {{ hasNextPage hasPreviousPage endCursor }}
    nodes {{ {ENTRY} digest }} }}
  last: entries(last: 30) {{ nodes {{ {ENTRY} }} pageInfo {{ hasNextPage hasPreviousPage }} }}
  prefix: entries(first: 9, where: {{keyPrefix: "k05"}}) {{ totalCount nodes {{ metadataKey }} }}
  lastOfPrefix: entries(last: 9, where: {{keyPrefix: "k05"}}) {{ nodes {{ metadataKey }} }}
  category: entries(last: 9, where: {{category: "c"}}) {{ totalCount nodes {{ metadataKey }} }}
  entry(key: "k0777") {{ {ENTRY} digest }}
  hidden: entry(key: "k0040") {{ {ENTRY} digest }}
  secret: entry(key: "k0070") {{ {ENTRY} digest }}
  evaluations(keys: ["k0000", "k0001"]) {{ key value reason }}
}} }}"""
OF_ADMIN = SELECTION.replace("first: 30)", "first: 30, includeInactive: true)")


def pages(world: World, user: Caller, viewer: Caller, *, backwards: bool) -> list[str]:
    """The keys of all entries, page by page."""
    size, cursor, name = ("last", "before", "startCursor") if backwards else ("first", "after", "endCursor")
    query = f"""query ($key: String!, $name: String!, $cursor: String) {{
      platformMetadata(platformKey: $key, username: $name) {{ entries({size}: 70, {cursor}: $cursor) {{
        nodes {{ metadataKey }} pageInfo {{ {name} hasNextPage hasPreviousPage }} }} }} }}"""
    found: list[str] = []
    at = None
    while True:
        data = viewer.ask(query, key=world.platform_key, name=user.username, cursor=at)
        page = data["platformMetadata"]["entries"]
        keys = [node["metadataKey"] for node in page["nodes"]]
        found = keys + found if backwards else found + keys
        at = page["pageInfo"][name]
        if not page["pageInfo"]["hasPreviousPage" if backwards else "hasNextPage"]:
            return found


def seen_of(world: World, user: Caller) -> Any:
    """All that the user and an admin see of the document."""
    by_user = user.ask(SELECTION, key=world.platform_key, name=user.username)
    by_admin = world.admin.ask(OF_ADMIN, key=world.platform_key, name=user.username)
    listed = [
        pages(world, user, viewer, backwards=b) for viewer in (user, world.admin) for b in (False, True)
    ]
    response = user.rest("GET", world.platform_key)
    return by_user, by_admin, listed, response.text, response.headers["ETag"]


def set_layout(world: World, user: Caller, text: str | None) -> None:
    documents = tables.documents
    run_sql(
        world,
        update(documents)
        .where(documents.c.user_id == user.id)
        .values(layout=null() if text is None else text),
    )


def stored_layout(world: World, user: Caller) -> str | None:
    documents = tables.documents.c
    ((text,),) = fetch(
        world,
        select(documents.layout).where(
            documents.user_id == user.id, documents.platform_id == platform_id(world)
        ),
    )
    return None if text is None else str(text)


def test_a_large_document_reads_the_same_with_and_without_a_layout(vault: World) -> None:
    user = large_document(vault)
    text = stored_layout(vault, user)
    assert text is not None
    assert set(json.loads(text)) == {"metadata", "conditions", "attributes", "revision"}
    with vault.service.at(vault.service.clock()):
        seen = seen_of(vault, user)
        assert seen[0]["platformMetadata"]["first"]["totalCount"] == 950
        assert [len(keys) for keys in seen[2]] == [950, 950, 975, 975]
        set_layout(vault, user, None)
        assert seen_of(vault, user) == seen
        of_other_revision = json.loads(text) | {"revision": 1, "metadata": [1, ["a"], [1], [1]]}
        set_layout(vault, user, json.dumps(of_other_revision))
        assert seen_of(vault, user) == seen


def test_writes_keep_the_layout(vault: World) -> None:
    user = large_document(vault)
    model = user.rest("GET", vault.platform_key).json()["metadata"]
    for number in range(3):
        written = [index for index in range(1 + number, 1000, 137) if index % 10]
        changed: dict[str, Any] = {f"k{index:04}": number for index in written} | {f"n{number}": "new"}
        deleted = [f"k{index:04}" for index in range(600 + number, 700, 3) if index % 10]
        body = {"metadata": changed, "delete_keys": deleted}
        assert user.rest("PATCH", vault.platform_key, body).status_code == 200
        model = {key: value for key, value in (model | changed).items() if key not in set(deleted)}
        assert user.rest("GET", vault.platform_key).json()["metadata"] == model
        assert stored_layout(vault, user) is not None
        seen = seen_of(vault, user)
        set_layout(vault, user, None)
        assert seen_of(vault, user) == seen


def test_small_documents_have_no_layout(vault: World) -> None:
    user = vault.new_user()
    assert user.rest("PATCH", vault.platform_key, {"metadata": {"a": 1}}).status_code == 200
    assert stored_layout(vault, user) is None
    many = {f"k{number}": number for number in range(70)}
    assert user.rest("PATCH", vault.platform_key, {"metadata": many}).status_code == 200
    assert stored_layout(vault, user) is not None
    assert user.rest("PUT", vault.platform_key, {"metadata": {"a": 1}}).status_code == 200
    assert stored_layout(vault, user) is None
    assert user.rest("PATCH", vault.platform_key, {"metadata": {"long": ["v" * 500] * 40}}).status_code == 200
    assert orjson.loads(stored_layout(vault, user) or "{}")["metadata"][1] == ["a", "long"]
    counted = select(func.count()).select_from(tables.documents).where(tables.documents.c.layout.is_not(None))
    assert fetch(vault, counted)[0][0] >= 1
