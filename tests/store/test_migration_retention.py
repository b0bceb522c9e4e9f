"""The migration to retention: history and answers of the version before stay, until a sweep prunes them."""

import json

import orjson

from gql_service.domain.writes.idempotency import parse_key
from gql_service.instants import now, rfc3339
from tests.store.test_migration_upgrade import ROWS, migrate_to
from tests.support.retention import DAY
from tests.support.service import serving
from tests.transfer.test_round_trip import Shell

BODY = {"metadata": {"a": 1}}
HISTORY = """{ platformMetadata(platformKey: "shop") { history(first: 9) {
  prunedUntil nodes { revision changedAt changes { key old { value } new { value } } } } } }"""
PLATFORM = """{ platform(key: "shop") { retention {
  historyMaxAge historyMaxChanges idempotencyMaxAge } } }"""


def row_of_history(revision: int, changed_at: int) -> str:
    changes = orjson.dumps({"a": {"old": {"text": str(revision - 1)}, "new": {"text": str(revision)}}})
    return f"('u', 'p-1', {revision}, 'u', {changed_at}, 'graphql', '{changes.decode()}')"


def test_stored_data_of_the_former_version_stays(fresh_database_url: str) -> None:
    digest = parse_key("k", "rest", "PATCH", BODY, [], []).request.hex()
    digest = f"x'{digest}'" if fresh_database_url.startswith("sqlite") else f"decode('{digest}', 'hex')"
    old, recent = now() - 400 * DAY, now() - DAY
    rows = f"""{ROWS};
INSERT INTO document_changes (user_id, platform_id, revision, actor_id, changed_at, source, changes)
VALUES {row_of_history(2, old)}, {row_of_history(3, old)}, {row_of_history(4, recent)};
INSERT INTO idempotency_keys (user_id, platform_id, key, request, response, created_at)
VALUES ('u', 'p-1', 'u:k', {digest}, '{{"format":1}}', {now()})"""
    migrate_to(fresh_database_url, "0004", rows)
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    token = shell.output("token", "issue", "u").strip().splitlines()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    with serving(fresh_database_url) as service:

        def ask(query: str) -> object:
            return service.client.post("/graphql", json={"query": query}, headers=headers).json()["data"]

        def revisions() -> tuple[object, list[int]]:
            history = ask(HISTORY)["platformMetadata"]["history"]  # type: ignore[index]
            return history["prunedUntil"], [node["revision"] for node in history["nodes"]]

        kept = {"historyMaxAge": 365, "historyMaxChanges": 10_000, "idempotencyMaxAge": 24}
        assert ask(PLATFORM) == {"platform": {"retention": kept}}
        assert revisions() == (None, [4, 3, 2])
        response = service.client.patch(
            "/api/core/users/platform-metadata/?platform_key=shop",
            json=BODY,
            headers={"Authorization": f"Token {token}", "Idempotency-Key": "k"},
        )
        assert response.headers["Idempotency-Replayed"] == "true"
        swept = json.loads(shell.output("sweep", "--json"))
        assert swept == {
            "documents": 0,
            "entries": 0,
            "answers": 0,
            "changes": 2,
            "userChanges": 0,
            "events": 0,
        }
        assert revisions() == (rfc3339(old), [4])
