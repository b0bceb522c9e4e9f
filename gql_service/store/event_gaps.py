"""A gap in the positions of events, made when a backup is restored.

Events that were written after the backup are gone, but followers have their positions. New events must not
get these again: the followers would take them for events that they have read.
"""

import sqlite3

SIZE = 2**32
"""More events than are written between a backup and its loss."""
POSTGRES_STATEMENT = (
    f"WITH gap AS (INSERT INTO event_gaps SELECT last, last + {SIZE} FROM event_counter RETURNING last) "  # noqa: S608 - a constant
    "UPDATE event_counter SET last = gap.last FROM gap"
)


def add_to_sqlite(connection: sqlite3.Connection) -> None:
    """Add a gap after the last position. A database of a version before this table has none."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event_gaps'").fetchone()
    if tables == (0,):
        return
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    last = row[0] if row else 0
    connection.execute("BEGIN")
    connection.execute("INSERT INTO event_gaps (first, last) VALUES (?, ?)", (last, last + SIZE))
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (last + SIZE,))
    connection.execute("COMMIT")
