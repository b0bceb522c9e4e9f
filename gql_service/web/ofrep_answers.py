"""The flags of users as responses, kept as long as they are true."""

from collections import OrderedDict
from typing import NamedTuple

from gql_service.domain.flags.state import FlagState

_MAX_SIZE = 16 * 1024 * 1024
"""Bytes of all bodies that are kept, with what they take besides."""
_ANSWER_SIZE = 1024
"""What an answer takes besides its body."""

Slot = tuple[str, str, str, bool]
"""Platform id, user id, the user's home tenant, and whether flags are included that clients do not see."""


class FlagsAnswer(NamedTuple):
    """All flags of a user. They are true from one instant until another one, exclusively."""

    body: bytes
    etag: bytes
    since: int
    until: int


class FlagsAnswers:
    """The answers of one process. Whoever asks has just read the state that an answer must come from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Slot, tuple[FlagState, FlagsAnswer]] = OrderedDict()
        self._size = 0

    def find(self, slot: Slot, state: FlagState, now: int) -> FlagsAnswer | None:
        """The answer for a state, at an instant."""
        kept = self._kept.get(slot)
        if kept is None or kept[0] != state or not kept[1].since <= now < kept[1].until:
            return None
        self._kept.move_to_end(slot)
        return kept[1]

    def keep(self, slot: Slot, state: FlagState, answer: FlagsAnswer) -> None:
        """`state` must have been read before what the answer was made of: then a change in between only makes
        the next request evaluate again."""
        if (former := self._kept.pop(slot, None)) is not None:
            self._size -= _size_of(former[1])
        self._kept[slot] = (state, answer)
        self._size += _size_of(answer)
        while self._size > _MAX_SIZE:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._size -= _size_of(oldest)


def _size_of(answer: FlagsAnswer) -> int:
    return len(answer.body) + _ANSWER_SIZE
