"""Where the members of a large stored JSON object are in its text, so that one can be read without decoding
the rest.

The members are in the order of their keys, and are grouped into blocks. The layout of an object has the first
key of each block, where it starts, and how many members it has. It is stored beside the text when that is
written. Small objects have none: they are decoded as a whole.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple, TypeAlias

import orjson

from gql_service import strict_json

MAX_SMALL_KEYS = 64
MAX_SMALL_SIZE = 8 * 1024
"""The most members, and characters, of an object without a layout."""
BLOCK_KEYS = 32
BLOCK_SIZE = 4 * 1024
"""The most members of a new block, and its most characters, as far as no single member has more. Blocks may
grow to twice as much."""


class Layout(NamedTuple):
    """The blocks of one text."""

    length: int
    """The characters of the text. A layout is not used for a text of another length."""
    first_keys: list[str]
    starts: list[int]
    counts: list[int]


class _Block(NamedTuple):
    first_key: str
    number: int
    """How many members it has."""
    text: str
    """The members, separated by commas."""


class SlicedObject(MutableMapping[str, Any]):
    """A JSON object of which a block is decoded when one of its members is asked for."""

    def __init__(self, text: str, layout: Layout) -> None:
        self._text = text
        self._layout = layout
        self._length = sum(layout.counts)
        self._decoded: dict[int, dict[str, Any]] = {}
        self._changed: set[int] = set()
        self._whole: dict[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:
        return self._block(self._index(key))[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._block(self._index(key))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return self.keys_from(None, backwards=False)

    def __setitem__(self, key: str, value: Any) -> None:
        block = self._changing(key)
        self._length += key not in block
        block[key] = value

    def __delitem__(self, key: str) -> None:
        del self._changing(key)[key]
        self._length -= 1

    def keys_from(self, start: str | None, *, backwards: bool) -> Iterator[str]:
        """The keys in their order, from `start` (inclusive) on; `backwards` in the opposite order."""
        last = len(self._layout.first_keys) - 1
        index = (last if backwards else 0) if start is None else self._index(start)
        for number in range(index, -1, -1) if backwards else range(index, last + 1):
            yield from _keys_from(self._block(number), start, backwards=backwards)

    def whole(self) -> dict[str, Any]:
        """All members. Do not change it."""
        if self._whole is not None:
            return self._whole
        whole: dict[str, Any] = {} if self._changed else orjson.loads(self._text)
        if self._changed:
            for number in range(len(self._layout.first_keys)):
                whole |= self._block(number)
        self._whole = whole
        return whole

    def blocks(self) -> Iterator[_Block]:
        """The blocks as they are now."""
        for number, first_key in enumerate(self._layout.first_keys):
            if number not in self._changed:
                yield _Block(first_key, self._layout.counts[number], self._slice(number))
            elif block := self._decoded[number]:
                text = _members(block)
                if len(block) > 1 and (len(block) > 2 * BLOCK_KEYS or len(text) > 2 * BLOCK_SIZE):
                    yield from _blocks_of(block)
                else:
                    yield _Block(min(block), len(block), text)

    def _index(self, key: str) -> int:
        return max(bisect_right(self._layout.first_keys, key) - 1, 0)

    def _block(self, number: int) -> dict[str, Any]:
        block = self._decoded.get(number)
        if block is None:
            block = self._decoded[number] = orjson.loads(f"{{{self._slice(number)}}}")
        return block

    def _changing(self, key: str) -> dict[str, Any]:
        number = self._index(key)
        self._changed.add(number)
        self._whole = None
        return self._block(number)

    def _slice(self, number: int) -> str:
        starts = self._layout.starts
        following = starts[number + 1] if number + 1 < len(starts) else len(self._text)
        return self._text[starts[number] : following - 1]


Members: TypeAlias = dict[str, Any] | SlicedObject


def decode(text: str, layout: Layout | None) -> Members:
    """The members of a stored object."""
    if layout is None or layout.length != len(text):
        return orjson.loads(text)  # type: ignore[no-any-return]
    return SlicedObject(text, layout)


def encode(members: Members) -> tuple[str, Layout | None]:
    """The canonical text of an object, and its layout if it is large."""
    if type(members) is dict:
        if len(members) <= MAX_SMALL_KEYS:
            text = strict_json.dumps(members)
            if len(text) <= MAX_SMALL_SIZE:
                return text, None
        return _joined(_blocks_of(members))
    text, layout = _joined(members.blocks())  # type: ignore[union-attr]
    if len(members) <= MAX_SMALL_KEYS and len(text) <= MAX_SMALL_SIZE:
        return text, None
    if len(layout.starts) > 4 * (len(members) // BLOCK_KEYS + len(text) // BLOCK_SIZE + 1):
        return _joined(_blocks_of(whole(members)))  # deletions have left many small blocks
    return text, layout


def whole(members: Members) -> dict[str, Any]:
    """All members. Do not change it."""
    return members if isinstance(members, dict) else members.whole()


def keys_from(members: Members, start: str | None, *, backwards: bool) -> Iterator[str]:
    """The keys in their order, from `start` (inclusive) on; `backwards` in the opposite order."""
    if isinstance(members, dict):
        return _keys_from(members, start, backwards=backwards)
    return members.keys_from(start, backwards=backwards)


def to_text(layouts: Mapping[str, Layout | None], revision: int) -> str:
    """The layouts of the columns of a document as they are stored."""
    stored: dict[str, Any] = {name: [*layout] for name, layout in layouts.items() if layout is not None}
    return strict_json.dumps({**stored, "revision": revision})


def from_text(text: str | None, revision: int) -> dict[str, Layout]:
    """The layouts of the columns of a document, if they were stored with this revision of it.

    A server of an older version may have written the document since, without them.
    """
    stored = {} if text is None else orjson.loads(text)
    if stored.pop("revision", None) != revision:
        return {}
    return {name: Layout(*fields) for name, fields in stored.items()}


def _keys_from(members: dict[str, Any], start: str | None, *, backwards: bool) -> Iterator[str]:
    keys = sorted(members)
    if backwards:
        return reversed(keys if start is None else keys[: bisect_right(keys, start)])
    return iter(keys if start is None else keys[bisect_left(keys, start) :])


def _members(members: Mapping[str, Any]) -> str:
    return strict_json.dumps(members)[1:-1]


def _blocks_of(members: dict[str, Any]) -> Iterator[_Block]:
    keys = sorted(members)
    for start in range(0, len(keys), BLOCK_KEYS):
        part = keys[start : start + BLOCK_KEYS]
        text = _members(dict(zip(part, map(members.__getitem__, part), strict=True)))
        if len(part) > 1 and len(text) > BLOCK_SIZE:
            yield from _packed(_Block(key, 1, _members({key: members[key]})) for key in part)
        else:
            yield _Block(part[0], len(part), text)


def _packed(singles: Iterable[_Block]) -> Iterator[_Block]:
    """Blocks of single members, put together as far as they are small."""
    current: _Block | None = None
    for each in singles:
        if current is None:
            current = each
        elif len(current.text) + len(each.text) < BLOCK_SIZE:
            current = _Block(current.first_key, current.number + 1, f"{current.text},{each.text}")
        else:
            yield current
            current = each
    if current is not None:
        yield current


def _joined(blocks: Iterable[_Block]) -> tuple[str, Layout]:
    layout, texts, start = Layout(0, [], [], []), list[str](), 1
    for first_key, number, text in blocks:
        layout.first_keys.append(first_key)
        layout.starts.append(start)
        layout.counts.append(number)
        texts.append(text)
        start += len(text) + 1
    text = f"{{{','.join(texts)}}}"
    return text, layout._replace(length=len(text))
