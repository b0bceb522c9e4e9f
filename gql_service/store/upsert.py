"""ON CONFLICT, for both databases.

SQLAlchemy has it in its dialects only. These clauses are those of SQLite's dialect, which every process
imports; PostgreSQL's, which takes several times as long to import, can render them, too.
"""

from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate


class DoNothing(OnConflictDoNothing):
    """`insert(table).ext(DoNothing())`: rows that exist already stay as they are."""

    inherit_cache = True
    constraint_target = None
    """Read by PostgreSQL's dialect, where a clause may name a constraint."""


class DoUpdate(OnConflictDoUpdate):
    """`insert(table).ext(DoUpdate(index_elements=…, set_=…))`: rows that exist already are updated."""

    inherit_cache = True
    constraint_target = None
