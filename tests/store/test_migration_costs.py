"""What was stored before versions 0018 and 0019 is read at the same cost, and is the same, as what is new."""

import json
from typing import Any

from sqlalchemy import select

from gql_service.domain.documents import layout
from gql_service.store import tables
from tests.graphql.test_hostile_requests import of_document
from tests.store.test_migration_upgrade import ROWS, migrate_to
from tests.support.service import serving
from tests.support.stored import fetch
from tests.support.world import Caller, World
from tests.transfer.test_round_trip import Shell

WROTE, ENDED = 1_700_000_000_000, 1_700_000_500_000
VALUES = {f"k{number:03}": {"n": number, "text": "v" * 50} for number in range(300)}


def rows() -> str:
    """A large document, and a history with an entry that has expired, and a baseline."""
    attributes = {key: {"createdAt": WROTE} for key in VALUES}
    conditions = {f"h{number:03}": {"isPublic": False, "text": str(number)} for number in range(100)}
    columns = [json.dumps(each, separators=(",", ":")) for each in (VALUES, attributes, conditions)]
    ended = {"gone": {"new": {"createdAt": WROTE, "validUntil": ENDED, "value": 1}}}
    history = [(2, "retention", WROTE - 5, {}), (3, "rest", WROTE, ended)]
    changes = ", ".join(
        f"('v', 'p-1', {revision}, NULL, {at}, '{source}', '{json.dumps(each)}')"
        for revision, source, at, each in history
    )
    return ";\n".join(
        [
            ROWS,
            f"UPDATE documents SET metadata = '{columns[0]}', attributes = '{columns[1]}', conditions = "
            f"'{columns[2]}', created_at = 1, updated_at = {WROTE} WHERE user_id = 'v'",
            "INSERT INTO document_changes (user_id, platform_id, revision, actor_id, changed_at, source, "
            f"changes) VALUES {changes}",
        ]
    )


def test_large_documents_get_a_layout_and_histories_their_windows(fresh_database_url: str) -> None:
    url = fresh_database_url
    migrate_to(url, "0006", rows())
    shell = Shell(url)
    shell.output("migrate")
    token = shell.output("token", "issue", "v").strip()
    documents, history = tables.documents.c, tables.document_changes.c
    with serving(url) as service:
        (user,) = service.run(lambda: service.services.loaders.users_named.load_many(["v"]))
        assert user is not None
        admin, world = Caller(service, user, token), World(service)
        stored = dict(fetch(world, select(documents.user_id, documents.layout)))
        assert set(json.loads(stored["v"])) == {"metadata", "attributes", "conditions", "revision"}
        assert stored["u"] is None
        ends = dict(fetch(world, select(history.revision, history.window_end)))
        assert ends == {2: 2**62, 3: ENDED}

        ((metadata, text),) = fetch(
            world, select(documents.metadata, documents.layout).where(documents.user_id == "v")
        )
        sliced = layout.decode(metadata, layout.from_text(text, 9)["metadata"])
        assert isinstance(sliced, layout.SlicedObject)
        assert {key: sliced[key] for key in reversed(VALUES)} == VALUES
        assert list(sliced) == sorted(VALUES)

        at = "2023-11-14T22:15:00Z"  # after it was written, and before it ended
        selection = f'entry(key: "k123") {{ value }} past: metadata(keys: ["gone"], asOf: "{at}")'
        query = of_document(world, selection).replace(world.platform_key, "shop")
        found: dict[str, Any] = admin.ask(query)["platformMetadata"]
        assert found == {"entry": {"value": VALUES["k123"]}, "past": {"gone": 1}}
