"""How long the history of documents and the answers to repeated writes are kept."""

from typing import NamedTuple

HOUR = 3600 * 1000
DAY = 24 * HOUR
MAX_RETENTION = 1_000_000
"""The largest number that a platform may choose, where the settings have none."""
_ANSWER_HOURS = 24
"""Without a setting."""


class Retention(NamedTuple):
    """What is kept: by the settings, or by the choice of a platform. None means that it is not limited."""

    history_max_age: int | None = None
    """Days that a change stays in the history."""
    history_max_changes: int | None = None
    """Changes of one document that stay in its history."""
    idempotency_max_age: int | None = None
    """Hours in which a write with an idempotency key is recognized."""

    def shortened(self, own: "Retention") -> "Retention":
        """The retention where both apply: the smaller of the two numbers, each."""
        pairs = zip(self, own, strict=True)
        return Retention(*(min((each for each in pair if each is not None), default=None) for pair in pairs))

    def changes_before(self, now: int) -> int | None:
        """Changes before this instant are too old; None if none is."""
        return None if self.history_max_age is None else now - self.history_max_age * DAY

    def answers_before(self, now: int) -> int:
        """Answers up to this instant are too old."""
        return now - (self.idempotency_max_age or _ANSWER_HOURS) * HOUR
