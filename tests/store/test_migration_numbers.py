"""Numbers that version 0.1 stored as `10.0` are the same values as `10`: read, written and searched."""

import base64
import json
from typing import Any

from gql_service.domain.search.index import equality_digest
from gql_service.domain.values.encryption import CipherContext, KeyRing
from tests.entries.test_encryption import KEY
from tests.search.test_operators import SEARCH
from tests.store.test_migration_upgrade import CREATED, ROWS, migrate_to
from tests.support.service import serving
from tests.support.world import Caller
from tests.transfer.test_round_trip import Shell

KEYS = KeyRing({"k1": base64.b64decode(KEY)}, "k1")
TEXTS = {"n": "10.0", "tiny": "1e-6", "j": '{"x":[1.0,2.5]}', "hidden": "10.0", "secret": "10.0"}
"""The former canonical texts. All are indexed."""
NUMBERS = {"n": 10, "tiny": 0.000001, "j": {"x": [1, 2.5]}, "hidden": 10, "secret": 10}


def context(key: str) -> CipherContext:
    return CipherContext("acme", "v", "p-1", key)


def rows(*, is_sqlite: bool) -> str:
    """Rows of version 0.1 for the document of a user on a platform."""
    attributes: dict[str, Any] = {key: {"createdAt": CREATED, "isIndexed": True} for key in TEXTS}
    attributes["secret"]["type"] = "number"
    ciphertext = KEYS.encrypt(context("secret"), TEXTS["secret"])
    conditions = {"hidden": {"isPublic": False, "text": "10.0"}, "secret": {"ciphertext": ciphertext}}
    metadata = ",".join(f'"{key}":{TEXTS[key]}' for key in ("j", "n", "tiny"))
    statements = [
        ROWS,
        f"UPDATE documents SET metadata = '{{{metadata}}}', conditions = '{json.dumps(conditions)}', "
        f"attributes = '{json.dumps(attributes)}' WHERE user_id = 'v'",
    ]
    for key, text in TEXTS.items():
        is_secret = key == "secret"
        digest = KEYS.equality_digest(context(key), text) if is_secret else equality_digest(text)
        literal = f"x'{digest.hex()}'" if is_sqlite else f"decode('{digest.hex()}', 'hex')"
        number = "NULL" if is_secret or key == "j" else text
        statements.append(
            "INSERT INTO metadata_index (user_id, platform_id, key, equality, number_value, encrypted) "
            f"VALUES ('v', 'p-1', '{key}', {literal}, {number}, {is_secret})"
        )
    return ";\n".join(statements)


def test_former_spellings_are_the_same_values(fresh_database_url: str) -> None:
    url = fresh_database_url
    migrate_to(url, "0005", rows(is_sqlite=url.startswith("sqlite")))
    shell = Shell(url)
    shell.output("migrate")
    token = shell.output("token", "issue", "v").strip()
    with serving(url, encryption_keys={"k1": KEY}) as service:
        (user,) = service.run(lambda: service.services.loaders.users_named.load_many(["v"]))
        assert user is not None
        admin = Caller(service, user, token)
        for key, value in NUMBERS.items():
            where = {"metadata": [{"key": key, "equals": value}]}
            found = admin.ask(SEARCH, key="shop", where=where)["platform"]["users"]["nodes"]
            assert found == [{"userId": "v"}], key

        read = '{ platformMetadata(platformKey: "shop") { revision metadata } }'
        before = admin.ask(read)["platformMetadata"]
        assert before["metadata"] == NUMBERS
        tag = admin.rest("PUT", "shop", {"metadata": NUMBERS}).headers["ETag"]
        assert tag.startswith(f'"{before["revision"]}.')

        # The next write of a key stores the new spelling.
        assert admin.rest("PATCH", "shop", {"metadata": {"n": 11}}).status_code == 200
        assert admin.rest("PATCH", "shop", {"metadata": {"n": 10.0}}).status_code == 200
        assert '"n":10,' in admin.rest("GET", "shop").text
