"""How long `gql-service migrate` takes: `python -m bench.migrations DATABASE_URL`, on an empty database.

Fills the database of revision 0006 with 100,000 users, each with a document with an indexed text and an
indexed array, and prints the seconds of the command.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gql_service.store import migrations

_USERS = 100_000
_REVISION = "0006"
_CREATED_AT = 1_713_800_000_000
_TAGS, _TIER = '["a","b","c"]', '"Gold"'
_METADATA = '{"language":"de","sidebar":{"open":true},"tags":["a","b","c"],"theme":"dark","tier":"Gold"}'
_ATTRIBUTES = json.dumps({key: {"createdAt": _CREATED_AT, "isIndexed": True} for key in ("tags", "tier")})
_USER = (
    "id, tenant_id, username, email, profile_fields, permissions, is_platform_owner, revision, created_at, "
    "updated_at"
)
_DOCUMENT = "user_id, platform_id, metadata, revision, created_at, updated_at, attributes"
_INDEX = "user_id, platform_id, key, equality, text_value, encrypted"


def _statements(is_sqlite: bool) -> list[str]:
    """What fills the tables of the former revision."""
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 100001 UNION ALL SELECT i + 1 FROM n WHERE i < {100_000 + _USERS})"
    )
    cast = "" if is_sqlite else "::json"
    times = f"{_CREATED_AT}, {_CREATED_AT}"

    def insert(table: str, columns: str, values: str) -> str:
        return f"INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM n"

    def digest(text: str) -> str:
        digits = hashlib.sha256(text.encode()).hexdigest()
        return f"x'{digits}'" if is_sqlite else f"decode('{digits}', 'hex')"

    return [
        f"INSERT INTO tenants (id, name, created_at) VALUES ('acme', 'Acme', {_CREATED_AT})",
        "INSERT INTO platforms (id, key, tenant_id, name, created_at) "
        f"VALUES ('p-1', 'shop', 'acme', 'Shop', {_CREATED_AT})",
        insert(
            "users",
            _USER,
            f"'u' || i, 'acme', 'user.' || i, 'user.' || i || '@x.example', '{{}}'{cast}, '[]'{cast}, false, "
            f"1, {times}",
        ),
        insert("memberships", "user_id, tenant_id", "'u' || i, 'acme'"),
        insert(
            "documents",
            _DOCUMENT,
            f"'u' || i, 'p-1', '{_METADATA}'{cast}, 1, {times}, '{_ATTRIBUTES}'{cast}",
        ),
        insert("metadata_index", _INDEX, f"'u' || i, 'p-1', 'tags', {digest(_TAGS)}, NULL, false"),
        insert("metadata_index", _INDEX, f"'u' || i, 'p-1', 'tier', {digest(_TIER)}, 'Gold', false"),
        "ANALYZE",
    ]


async def _fill(url: str) -> None:
    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, _REVISION)
        for statement in _statements(url.startswith("sqlite")):
            connection.exec_driver_sql(statement)

    engine = create_async_engine(url)
    async with engine.begin() as transaction:
        await transaction.run_sync(run)
    await engine.dispose()


def main() -> None:
    url = sys.argv[1]
    asyncio.run(_fill(url))
    start = time.monotonic()
    migrate = [sys.executable, "-m", "gql_service", "migrate"]
    environment = os.environ | {"GQL_SERVICE_DATABASE_URL": url}
    subprocess.run(migrate, check=True, env=environment)  # noqa: S603 - the arguments are constants
    sys.stdout.write(f"{time.monotonic() - start:.1f} s\n")


if __name__ == "__main__":
    main()
