"""Entries that were indexed before version 0009 are found regardless of case and by members of arrays."""

import json
from typing import Any

from gql_service.domain.search.index import equality_digest
from tests.search.test_operators import SEARCH
from tests.store.test_migration_upgrade import CREATED, ROWS, migrate_to
from tests.support.service import serving
from tests.support.world import Caller
from tests.transfer.test_round_trip import Shell

VALUES: dict[str, Any] = {"name": "Straße", "tags": ["a", 7, "a", {"b": 1}], "code": "QUJD"}
HIDDEN = '["h"]'


def rows(*, is_sqlite: bool) -> str:
    """Rows of the version before for the document of a user on a platform; all keys are indexed."""
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in VALUES.items()}
    attributes: dict[str, Any] = {
        key: {"createdAt": CREATED, "isIndexed": True} for key in (*VALUES, "hidden")
    }
    attributes["code"]["type"] = "binary"
    conditions = json.dumps({"hidden": {"isPublic": False, "text": HIDDEN}})
    statements = [
        ROWS,
        f"UPDATE documents SET metadata = '{json.dumps(VALUES)}', conditions = '{conditions}', "
        f"attributes = '{json.dumps(attributes)}' WHERE user_id = 'v'",
    ]
    for key, text in (texts | {"hidden": HIDDEN}).items():
        digest = equality_digest(text).hex()
        literal = f"x'{digest}'" if is_sqlite else f"decode('{digest}', 'hex')"
        text_value = f"'{VALUES[key]}'" if key in ("name", "code") else "NULL"
        statements.append(
            "INSERT INTO metadata_index (user_id, platform_id, key, equality, text_value, encrypted) "
            f"VALUES ('v', 'p-1', '{key}', {literal}, {text_value}, false)"
        )
    return ";\n".join(statements)


def test_indexed_entries_are_found_by_the_new_operators(fresh_database_url: str) -> None:
    url = fresh_database_url
    migrate_to(url, "0006", rows(is_sqlite=url.startswith("sqlite")))
    shell = Shell(url)
    shell.output("migrate")
    token = shell.output("token", "issue", "v").strip()
    with serving(url) as service:
        (user,) = service.run(lambda: service.services.loaders.users_named.load_many(["v"]))
        assert user is not None
        admin = Caller(service, user, token)

        def found(**condition: Any) -> list[str]:
            where = {"metadata": [condition]}
            nodes = admin.ask(SEARCH, key="shop", where=where)["platform"]["users"]["nodes"]
            return [node["userId"] for node in nodes]

        assert found(key="name", equalsIgnoreCase="STRASSE") == ["v"]
        assert found(key="code", equalsIgnoreCase="qujd") == []
        assert found(key="tags", contains="a") == found(key="tags", contains=7) == ["v"]
        assert found(key="hidden", contains="h") == ["v"]
        assert found(key="tags", contains="b") == []

        # The rows of members follow the next write.
        assert admin.rest("PATCH", "shop", {"metadata": {"tags": ["z"]}}).status_code == 200
        assert (found(key="tags", contains="a"), found(key="tags", contains="z")) == ([], ["v"])
