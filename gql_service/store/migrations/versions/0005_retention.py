"""What a platform keeps of history and of answers to idempotent writes, where that is less than by default.

Existing platforms have no retention of their own. The tables stay usable while the columns are added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("history_max_age", "history_max_changes", "idempotency_max_age"):
        op.add_column("platforms", sa.Column(name, sa.BigInteger))
