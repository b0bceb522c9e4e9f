"""Introspection: who may use it, and its answers, which are the same for everybody."""

import re
from collections import OrderedDict

_INTROSPECTS = re.compile(r"\b(?:__schema|__type|_service)\b")
_MAX_SIZE = 8 * 1024 * 1024
"""Bytes of JSON. The answer to a complete introspection has about 260 KB."""

AnswerKey = tuple[str, str | None]
"""The text of a document, and the name of the operation."""


def introspects(text: str) -> bool:
    """Whether a document may read the schema. It is enough that it mentions a field that does."""
    return _INTROSPECTS.search(text) is not None


class IntrospectionAnswers:
    """The JSON of `data`, for the introspections that were used most recently."""

    def __init__(self) -> None:
        self._answers: OrderedDict[AnswerKey, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: AnswerKey) -> bytes | None:
        """The answer; None if it is not known yet."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def add(self, key: AnswerKey, answer: bytes) -> None:
        """Keep an answer; remove the oldest ones if there is no room."""
        if key in self._answers:
            return
        self._answers[key] = answer
        self._size += len(answer) + len(key[0])
        while self._size > _MAX_SIZE:
            (text, _), removed = self._answers.popitem(last=False)
            self._size -= len(removed) + len(text)
