"""How far a PostgreSQL server is: positions in its write-ahead log (WAL), which replicas replay."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text

from gql_service.errors import BadUserInput
from gql_service.store.connection import Row
from gql_service.store.statement import Statement

_TEXT = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,8})-([0-9a-f]{1,16})", re.ASCII)


class Position(NamedTuple):
    """A position in the log of a cluster. `str` is its public form, which `parse_position` reads."""

    system: int
    """The identifier of the cluster: `initdb` makes a new one, and replicas have that of their primary."""
    timeline: int
    """Increases with each promotion. Logs of different timelines differ from a certain position on."""
    lsn: int
    """The log sequence number: a number of bytes."""

    def __str__(self) -> str:
        return f"{self.system:x}-{self.timeline:x}-{self.lsn:x}"

    def is_reached_by(self, other: "Position") -> bool:
        """Whether a server that is at the other position has what was committed up to this one.

        On a later timeline, a write of an earlier one is either in the log as well, or lost for all servers.
        """
        return self.system == other.system and self.timeline <= other.timeline and self.lsn <= other.lsn


UNKNOWN = Position(0, 0, 0)
"""A position that no replica has reached, because no cluster has this identifier."""

# The position for inserting comes after the commits that are not written to the disk yet, where
# `synchronous_commit` is off.
PRIMARY_POSITION = Statement(
    text(
        "SELECT system_identifier, pg_walfile_name(lsn), CAST(lsn AS text),"
        " CAST(current_setting('wal_block_size') AS int), pg_size_bytes(current_setting('wal_segment_size'))"
        " FROM pg_control_system(), pg_current_wal_insert_lsn() AS lsn"
    )
)
# No function tells the timeline that is replayed. These are the timelines that the replica has certainly
# reached: of its last restartpoint, of the pages that it has written, and, if its user is a member of
# pg_monitor, of the log that it receives.
REPLICA_POSITION = Statement(
    text(
        "SELECT system_identifier,"
        " greatest(timeline_id, min_recovery_end_timeline, (SELECT received_tli FROM pg_stat_wal_receiver)),"
        " CAST(pg_last_wal_replay_lsn() AS text), pg_is_in_recovery()"
        " FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()"
    )
)
_PAGE_HEADER, _SEGMENT_HEADER = 24, 40
"""Bytes at the beginning of each page of the log, and of its first page in each segment."""
_SYSTEM_BITS = 2**64 - 1
"""PostgreSQL shows the identifier as a signed number."""


def parse_position(value: str) -> Position:
    """Read the public form of a position. Raises BadUserInput."""
    match = _TEXT.fullmatch(value)
    if match is None:
        raise BadUserInput("`X-Read-After` must be the value of that header in the response to a write.")
    return Position(*(int(part, 16) for part in match.groups()))


def parse_primary(rows: Sequence[Row]) -> Position:
    """Read the row of PRIMARY_POSITION. The name of a segment of the log begins with its timeline.

    If the next record begins a page, the position for inserting is behind the header of the page. A replica
    only gets there with that record, which an idle primary does not write.
    """
    ((system, segment, text, page_size, segment_size),) = rows
    lsn = _parse_lsn(text)
    if lsn % segment_size == _SEGMENT_HEADER:
        lsn -= _SEGMENT_HEADER
    elif lsn % page_size == _PAGE_HEADER:
        lsn -= _PAGE_HEADER
    return Position(system & _SYSTEM_BITS, int(segment[:8], 16), lsn)


def parse_replica(rows: Sequence[Row]) -> Position | None:
    """Read the row of REPLICA_POSITION. None if the server replays no log: it is no replica."""
    ((system, timeline, lsn, is_in_recovery),) = rows
    if not is_in_recovery or lsn is None:
        return None
    return Position(system & _SYSTEM_BITS, timeline, _parse_lsn(lsn))


def _parse_lsn(text: str) -> int:
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)
