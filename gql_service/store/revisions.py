"""The revision of the tables that this version of the code needs. Does not import Alembic, which is slow."""

from functools import cache
from pathlib import Path

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def newest_revision() -> str:
    """The revision of the newest migration. The names of their files begin with it, in order."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))
