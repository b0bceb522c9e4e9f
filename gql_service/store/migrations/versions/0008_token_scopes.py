"""What a token may be used for: `scopes` and `platform_keys`, null where it is not restricted.

Existing tokens are not restricted. The tables stay usable while the columns are added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name in ("scopes", "platform_keys"):
        op.add_column("access_tokens", sa.Column(name, sa.Text))
