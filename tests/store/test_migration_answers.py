"""The migration of stored responses: values are removed, and repeated requests are still recognised."""

import orjson
from sqlalchemy import select

from gql_service import instants
from gql_service.domain.writes.idempotency import parse_key
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.store.test_migration_upgrade import ROWS, migrate_to
from tests.support.service import serving
from tests.transfer.test_round_trip import Shell

BODY = {"metadata": {"a": 1}, "delete_keys": ["b"]}


def test_a_stored_response_of_the_former_version_loses_its_values_and_is_still_used(
    fresh_database_url: str,
) -> None:
    request = parse_key("k", "rest", "PATCH", BODY, [], []).request
    old_response = {
        "document": ['{"secret":"s3cret"}', 5, 1, 2, '{"hidden":{"text":"1"}}', None, "{}"],
        "deletedKeys": ["b"],
        "skippedKeys": [],
    }
    is_sqlite = fresh_database_url.startswith("sqlite")
    digest = f"x'{request.hex()}'" if is_sqlite else f"decode('{request.hex()}', 'hex')"
    row = (
        "INSERT INTO idempotency_keys (user_id, platform_id, key, request, response, created_at) VALUES "
        f"('u', 'p-1', 'u:k', {digest}, '{orjson.dumps(old_response).decode()}', {instants.now()})"
    )
    migrate_to(fresh_database_url, "0003", f"{ROWS};\n{row}")
    shell = Shell(fresh_database_url)
    shell.output("migrate")

    token = shell.output("token", "issue", "u").strip().splitlines()[-1]
    with serving(fresh_database_url) as service:

        async def stored() -> str:
            async with service.services.database.read() as connection:
                rows = await connection.fetch(Statement(select(tables.idempotency_keys.c.response)))
            return str(rows[0][0])

        assert orjson.loads(service.run(stored)) == {
            "format": 1,
            "revision": 5,
            "deletedKeys": ["b"],
            "skippedKeys": [],
        }
        response = service.client.patch(
            "/api/core/users/platform-metadata/?platform_key=shop",
            json=BODY,
            headers={"Authorization": f"Token {token}", "Idempotency-Key": "k"},
        )
    assert (response.status_code, response.headers["Idempotency-Replayed"]) == (200, "true")
    assert response.headers["ETag"] == '"4"'
    assert response.json()["metadata"] == {"a": 1, "b": "ü", "c": None, "d": {"e": [1.0]}}
