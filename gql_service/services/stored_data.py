"""The documents and histories that a request reads: each is read and decoded once, and counted in bytes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.documents.visibility import (
    DocumentView,
    EntryFilter,
    EntryView,
    Viewer,
    count_entries,
    entries,
    page_of_entries,
)
from gql_service.domain.history.visibility import VisibleChange, visible_change
from gql_service.domain.pagination import Page, PageRequest
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import too_much_to_read
from gql_service.services.loaders import ListLoaders, Loaders

T = TypeVar("T")

_ENTRY_COST = 1024
"""Bytes that can be read in the time in which an entry is decoded."""
_COUNT_COST = 128
"""The same for an entry that is counted."""
_COMPARISON_COST = 128
"""The same for an entry that is compared, or a key that is looked up or returned."""
_ITEM_COST = 1536
"""The same for an object in a list that has no pages."""
_CHANGE_COST = 2 * 1024
"""The same for the change of an entry in a history."""
_HISTORY_COST = 3
"""The same for a byte of a history, which is read in a thread, and decoded."""
_BYTES_PER_TURN = 256 * 1024
"""Where a read has more, other requests get their turn between its rows."""
_DOCUMENTS_PER_READ = 64
_CONTENTS_PER_READ = 8
_CHANGES_PER_READ = 5
"""How many rows are read at a time: each may have a megabyte or two. Histories of small changes continue with
more."""
_BYTES_PER_READ = 4 * 1024 * 1024
_CONCURRENT_READS = 16
_NOTHING = Content("{}", None, "{}", 0)


class StoredData:
    """What one request has read of documents and their histories."""

    def __init__(
        self, loaders: Loaders, lists: ListLoaders, keys: KeyRing, clock: Callable[[], int], max_size: int
    ) -> None:
        """`max_size` is in bytes."""
        self._loaders = loaders
        self._lists = lists
        self._keys = keys
        self._clock = clock
        self._max_size = max_size
        self._size = 0
        self._reads: dict[Hashable, asyncio.Future[Any]] = {}
        self._contents: dict[tuple[DocumentKey, int, int], tuple[asyncio.Future[list[Content]], int]] = {}
        self._values: dict[tuple[DocumentKey, int, int], Content] = {}

    @cached_property
    def _large_reads(self) -> asyncio.Semaphore:
        """Held while rows are read that may be large, so that few of them are in memory before they count."""
        return asyncio.Semaphore(_CONCURRENT_READS)

    @cached_property
    def reads_of_past(self) -> asyncio.Lock:
        """Held while the pasts of documents are read, so that each counts before the next one is read."""
        return asyncio.Lock()

    def history(
        self, row: DocumentView, request: PageRequest, *, with_invisible: bool = False
    ) -> Awaitable[Page[VisibleChange]]:
        """A page of the history of a document that was read, as the caller may see it.

        It is read and decoded once per request, however often the operation selects it. `with_invisible`
        keeps changes of which the caller may know nothing, without their keys: they must not be shown.
        """
        return self._share(self._read_history, row, request, with_invisible)

    async def _read_history(
        self, row: DocumentView, request: PageRequest, with_invisible: bool
    ) -> Page[VisibleChange]:
        viewer, changes, rest = Viewer(row.access, self._clock()), list[VisibleChange](), request
        # What admins see of the past does not depend on the present.
        (content,) = [_NOTHING] if viewer.access.is_admin else await self.contents([row])
        count, begin = _CHANGES_PER_READ, self._size
        while True:
            part = rest._replace(size=min(max(rest.size, 1), count))
            found: list[VisibleChange] = []
            async with self._large_reads:
                self.count(0)  # reads nothing more if the limit is exceeded already
                page = await self._lists.histories.load((row.access.key, part))
                size = sum(len(change.changes) for change in page.items)
                for change in page.items:
                    self.count(_HISTORY_COST * len(change.changes))
                    found.append(visible_change(viewer, change, content))
                    self.count(_CHANGE_COST * len(found[-1].entries))
                    if size > _BYTES_PER_TURN:
                        await asyncio.sleep(0)
            # A change of which the viewer may know nothing is no change to them. So whether there are more
            # than those of the page is known only once the next one is found, if there is room to read it.
            visible = [change for change in found if change.is_visible or with_invisible]
            changes = visible + changes if request.backwards else changes + visible
            has_more = page.has_previous if request.backwards else page.has_next
            has_room = 2 * self._size - begin <= self._max_size
            looks_ahead = has_room and not (viewer.access.is_admin or with_invisible)
            is_full = len(changes) > request.size or (len(changes) == request.size and not looks_ahead)
            if not has_more or is_full:
                break
            outermost = found[0] if request.backwards else found[-1]
            rest = request.following(len(changes), str(outermost.revision))
            count = max(_CHANGES_PER_READ, len(found) * _BYTES_PER_READ // max(size, 1))
        if len(changes) > request.size:
            has_more = True
            changes = changes[-request.size :] if request.backwards else changes[: request.size]
        if request.backwards:
            return Page(changes, has_more, request.before is not None)
        return Page(changes, request.after is not None, has_more)

    def count(self, size: int) -> None:
        """Count bytes that the request reads. Raises LimitExceeded, from then on each time."""
        self._size += size
        if self._size > self._max_size:
            raise too_much_to_read(self._max_size)

    def count_items(self, count: int) -> None:
        """Count objects of lists that have no pages, which the cost of the operation does not know. Raises
        LimitExceeded as `count` does."""
        self.count(_ITEM_COST * count)

    def count_keys(self, count: int) -> None:
        """Count entries that are compared, or keys that are looked up or returned. Raises LimitExceeded as
        `count` does."""
        self.count(_COMPARISON_COST * count)

    async def documents(self, keys: Sequence[DocumentKey]) -> list[MetadataDocument]:
        """Read documents, in the order of their keys."""
        found: list[MetadataDocument] = []
        for start in range(0, len(keys), _DOCUMENTS_PER_READ):
            part = await self._loaders.documents.load_many(keys[start : start + _DOCUMENTS_PER_READ])
            self.count(sum([len(document.metadata) for document in part]))
            found += part
        return found

    async def contents(self, rows: Sequence[DocumentView]) -> list[Content]:
        """The entries of documents that were read.

        A document is decoded once per request, however often the operation selects it.
        """
        missing: dict[tuple[DocumentKey, int, int], DocumentView] = {}
        for row in rows:
            key = _content_key(row)
            if key not in self._contents:
                missing[key] = row
        if missing:
            reading = _start(self._read_contents(list(missing.values())))
            for index, key in enumerate(missing):
                self._contents[key] = reading, index
        found = []
        for row in rows:
            read, index = self._contents[_content_key(row)]
            found.append((read.result() if read.done() else await read)[index])
        return found

    async def _read_contents(self, rows: Sequence[DocumentView]) -> list[Content]:
        contents: list[Content] = []
        for start in range(0, len(rows), _CONTENTS_PER_READ):
            part = rows[start : start + _CONTENTS_PER_READ]
            async with self._large_reads:
                self.count(0)
                for document in await self._with_attributes(part):
                    self.count(document.size)
                    contents.append(document.content())
                    if document.size > _BYTES_PER_TURN and len(rows) > 1:
                        await asyncio.sleep(0)
        return contents

    async def _with_attributes(self, rows: Sequence[DocumentView]) -> Sequence[MetadataDocument]:
        """Documents with the attributes of each entry. A document that was just written already has them, and
        that of a dry run is not in the database."""
        missing = [row.document for row in rows if row.document.attributes is None]
        read = iter(await self._loaders.document_attributes.load_many(missing) if missing else ())
        return [next(read) if row.document.attributes is None else row.document for row in rows]

    def values(self, row: DocumentView) -> Content:
        """The entries of a document that was read, without their attributes: their values, and who sees them
        when. It is decoded once per request, however often the operation selects it."""
        key = _content_key(row)
        values = self._values.get(key)
        if values is None:
            self.count(row.document.size)
            values = self._values[key] = row.document.values()
        return values

    def entry_page(
        self, row: DocumentView, request: PageRequest, wanted: EntryFilter
    ) -> Awaitable[Page[EntryView]]:
        """A page of the entries of a document that the caller sees."""
        return self._share(self._read_entry_page, row, request, wanted)

    async def _read_entry_page(
        self, row: DocumentView, request: PageRequest, wanted: EntryFilter
    ) -> Page[EntryView]:
        (content,) = await self.contents([row])
        self.count(0)
        viewer = Viewer(row.access, self._clock())
        page, decoded = page_of_entries(viewer, content, self._keys, request, wanted)
        self.count(_ENTRY_COST * decoded)
        return page

    def entry_count(self, row: DocumentView, wanted: EntryFilter) -> Awaitable[int]:
        """How many entries of a document the caller sees."""
        return self._share(self._count_entries, row, wanted)

    async def _count_entries(self, row: DocumentView, wanted: EntryFilter) -> int:
        if not wanted.includes_all:
            entries = await self.entries(row, include_inactive=wanted.include_inactive)
            self.count_keys(len(entries))
            return sum(map(wanted.matches, entries))
        content = self.values(row)
        self.count(_COUNT_COST * len(content.conditional))
        viewer = Viewer(row.access, self._clock())
        return count_entries(viewer, content, include_inactive=wanted.include_inactive)

    def entries(self, row: DocumentView, *, include_inactive: bool = False) -> Awaitable[list[EntryView]]:
        """The entries of a document that the caller sees; see `domain.documents.visibility.entries`."""
        return self._share(self._list_entries, row, include_inactive)

    async def _list_entries(self, row: DocumentView, include_inactive: bool) -> list[EntryView]:
        (content,) = await self.contents([row])
        self.count(_ENTRY_COST * len(content))
        viewer, keys = Viewer(row.access, self._clock()), self._keys
        return entries(viewer, content, keys, include_inactive=include_inactive)

    def _share(
        self, read: Callable[..., Coroutine[Any, Any, T]], row: DocumentView, *arguments: Any
    ) -> Awaitable[T]:
        """Read something of a document, once per request, however often the operation selects it."""
        key = read.__name__, _content_key(row), arguments
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = _start(read(row, *arguments))
        return reading


def _content_key(row: DocumentView) -> tuple[DocumentKey, int, int]:
    """Tells the states of a document apart. That of a dry run has the revision of a later write."""
    return row.access.key, row.revision, 0 if row.document.attributes is None else id(row.document)


def _start(read: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a read for all who want its result. They may be cancelled before it fails."""
    task = asyncio.create_task(read)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
