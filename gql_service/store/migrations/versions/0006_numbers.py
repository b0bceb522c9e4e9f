"""Equal numbers are one value: index `10.0` as `10`.

Documents and their history keep the text that they have until their next write; readers take both spellings
for one value. The index does not: it holds digests of texts. Digests of encrypted values stay, because the
migration has no keys; searches look for both spellings of an encrypted number.

Only entries of documents that may have such numbers are read. The tables stay usable meanwhile.
"""

import hashlib

import orjson
import sqlalchemy as sa
from alembic import op

from gql_service import strict_json

revision = "0006"
down_revision = "0005"

_OTHER_SPELLINGS = ("%.0%", "%e+%", "%e-%")
_ENTRIES = sa.text(
    "SELECT i.user_id, i.platform_id, i.key, CAST(d.metadata AS TEXT), CAST(d.conditions AS TEXT) "
    "FROM metadata_index i JOIN documents d ON d.user_id = i.user_id AND d.platform_id = i.platform_id "
    "WHERE NOT i.encrypted AND i.text_value IS NULL AND ("
    + " OR ".join(
        f"CAST(d.{column} AS TEXT) LIKE :spelling{number}"
        for column in ("metadata", "conditions")
        for number in range(len(_OTHER_SPELLINGS))
    )
    + ")"
)
_UPDATE = sa.text(
    "UPDATE metadata_index SET equality = :equality "
    "WHERE user_id = :user_id AND platform_id = :platform_id AND key = :key"
)


def upgrade() -> None:
    connection = op.get_bind()
    parameters = {f"spelling{number}": each for number, each in enumerate(_OTHER_SPELLINGS)}
    for user_id, platform_id, key, metadata, conditions in connection.execute(_ENTRIES, parameters).all():
        values, others = orjson.loads(metadata), orjson.loads(conditions or "{}")
        text = orjson.dumps(values[key]).decode() if key in values else others[key]["text"]
        equality = hashlib.sha256(strict_json.canonical(text).encode()).digest()
        connection.execute(
            _UPDATE, {"equality": equality, "user_id": user_id, "platform_id": platform_id, "key": key}
        )
