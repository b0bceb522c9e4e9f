"""The index of encrypted entries goes: no statement uses it.

It was for searches that failed if a key had encrypted entries. The tables stay usable: servers of the version
before it do not miss the index.
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.drop_index("ix_metadata_index_encrypted", "metadata_index")
