"""Who sees which entry of a document, and when. `Viewer` decides it for every door, for writes and for
history.

The rest of the module shows documents and entries to a viewer.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.entries import NEVER, Content, Entry
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.domain.values.types import ValueType, to_text
from gql_service.errors import MalformedData


class Viewer(NamedTuple):
    """Somebody who looks at a document at an instant (milliseconds since 1970).

    Flags and windows bind users. Admins of the document know of every entry; what they read as "the metadata"
    are the entries that are valid.
    """

    access: DocumentAccess
    now: int

    def may_know_of(self, entry: Entry) -> bool:
        """Whether the viewer may know that the entry exists: users only of public entries that are valid
        now."""
        return self.access.is_admin or (entry.is_public and entry.is_active(self.now))

    def sees(self, entry: Entry) -> bool:
        """Whether the entry is part of the metadata that the viewer reads now."""
        return (self.access.is_admin or entry.is_public) and entry.is_active(self.now)

    def saw_recorded(self, recorded: Mapping[str, Any], start: int, end: int) -> bool:
        """Whether the viewer could know of an entry that was stored from `start` to `end`, both inclusive.

        `recorded` describes it as the history does: decoding entries would cost more than all else.
        """
        if self.access.is_admin:
            return True
        has_begun = recorded.get("validFrom", end) <= end
        has_expired = recorded.get("validUntil", NEVER) <= start
        return recorded.get("isPublic", True) and has_begun and not has_expired

    def may_know_past_of(self, current: Entry | None) -> bool:
        """Whether the viewer may know what a key was, given the entry it has now.

        The past of an entry that is hidden now is hidden, too.
        """
        return current is None or current.has_expired(self.now) or self.may_know_of(current)

    def may_change(self, entry: Entry) -> bool:
        """Whether the viewer may change or delete the entry."""
        return self.access.is_admin or entry.is_editable

    def visible_conditional(self, conditions: str) -> Iterator[tuple[str, str | None, str]]:
        """Of the values in the column `conditions`, those the viewer sees now: key, canonical text (None
        where it is encrypted) and ciphertext.

        It is `sees`, decided on the stored JSON: decoding entries would cost a page of users more than all
        else.
        """
        for key, stored in orjson.loads(conditions).items():
            if self.sees_stored(stored):
                yield key, stored.get("text"), stored.get("ciphertext", "")

    def sees_stored(self, stored: Mapping[str, Any]) -> bool:
        """`sees` for an entry of the column `conditions`."""
        get = stored.get
        is_active = get("validFrom", self.now) <= self.now < get("validUntil", NEVER)
        return is_active and (self.access.is_admin or get("isPublic", True))


class DocumentView(NamedTuple):
    """A document as a viewer sees it. Also the subject of the access rules, hence the ids."""

    user_id: str
    username: str
    tenant_id: str
    platform_key: str | None
    metadata: str | MalformedData
    """The canonical text of the object that the viewer sees now, or the reason why it cannot be shown."""
    revision: int
    created_at: int | None
    updated_at: int | None
    access: DocumentAccess
    document: MetadataDocument
    """The row that was read or has just been written."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @property
    def is_conditional(self) -> bool:
        """Whether the metadata has entries that another viewer, or another moment, may not see at the same
        revision. What is hidden from this viewer makes no difference."""
        return self.metadata is not self.document.metadata

    @staticmethod
    def of(
        access: DocumentAccess, document: MetadataDocument, keys: KeyRing, clock: Callable[[], int]
    ) -> "DocumentView":
        view = (DocumentView if document.conditions is None else _ConditionalView)(
            access.user_id,
            access.username,
            access.tenant_id,
            access.platform_key,
            document.metadata,
            document.revision,
            document.created_at,
            document.updated_at,
            access,
            document,
        )
        if document.conditions is not None:
            view.__dict__.update(viewer=Viewer(access, clock()), keys=keys)
        return view


class _ConditionalView(DocumentView):
    """A document with entries that depend on viewer or time. These are read and decrypted when the metadata
    is."""

    viewer: Viewer
    keys: KeyRing

    @cached_property
    def metadata(self) -> str | MalformedData:
        document = self.document
        try:
            return _visible_metadata(self.viewer, document.metadata, document.conditions or "{}", self.keys)
        except MalformedData as error:
            return error


class EntryView(NamedTuple):
    """An entry that a viewer sees, under the names of its GraphQL fields. Also the subject of the access
    rules."""

    viewer: Viewer
    metadata_key: str
    entry: Entry
    keys: KeyRing

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)

    @property
    def access(self) -> DocumentAccess:
        return self.viewer.access

    @property
    def value_type(self) -> ValueType:
        return self.entry.type

    @property
    def user_id(self) -> str:
        return self.access.user_id

    @property
    def tenant_id(self) -> str:
        return self.access.tenant_id

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @property
    def value(self) -> str:
        """The canonical JSON text of the value. Raises MalformedData."""
        return plain_text(self.access, self.metadata_key, self.entry, self.keys)

    @property
    def metadata_value(self) -> str:
        """The value as text. Raises MalformedData."""
        return to_text(self.entry.type, self.value)

    @property
    def digest(self) -> str:
        """The digest of key, type and value. Raises MalformedData."""
        return digest(self.metadata_key, self.entry.type, self.value)

    @property
    def can_change(self) -> bool:
        return self.viewer.may_change(self.entry)


def digest(key: str, type_: ValueType, text: str) -> str:
    """The SHA-256, in hexadecimal, of a key with the type and canonical text of its value."""
    return hashlib.sha256(strict_json.dumps([key, type_.value, text]).encode()).hexdigest()


def plain_text(access: DocumentAccess, key: str, entry: Entry, keys: KeyRing) -> str:
    """The canonical JSON text of a value, decrypted if it is encrypted. Raises MalformedData."""
    return entry.text if entry.text is not None else _decrypt(access, key, entry.ciphertext or "", keys)


def metadata_at(
    viewer: Viewer,
    content: Content,
    keys: KeyRing,
    at: int,
    only: Collection[str] | None = None,
) -> str:
    """The canonical text of the object with the values that are valid at `at`, now or later; or of some keys.

    Of a later instant, users see the entries that they see now as well. Raises MalformedData.
    """
    # Most values of a large document are unconditional: they are copied as they are.
    visible = content.unconditional if only is None else {}
    for key in content.conditional_keys if only is None else only:
        entry = content.get(key)
        if entry is not None and viewer.may_know_of(entry) and entry.is_active(at):
            visible[key] = orjson.Fragment(plain_text(viewer.access, key, entry, keys))
    return strict_json.dumps(visible)


def entries(
    viewer: Viewer, content: Content, keys: KeyRing, *, include_inactive: bool = False
) -> list[EntryView]:
    """The entries that the viewer sees now, by key; with `include_inactive` all that they may know of."""
    includes = viewer.may_know_of if include_inactive else viewer.sees
    return [
        EntryView(viewer, key, entry, keys)
        for key in content
        if (entry := content.get(key)) is not None and includes(entry)
    ]


class EntryFilter(NamedTuple):
    """Which entries of a document to list or count. None stands for any."""

    prefix: str = ""
    category: str | None = None
    source: str | None = None
    include_inactive: bool = False
    """Whether to include all that the viewer may know of."""

    @property
    def includes_all(self) -> bool:
        """Whether all entries match that the viewer may list."""
        return not self.prefix and self.category is None and self.source is None

    def matches(self, view: EntryView) -> bool:
        """Whether an entry matches that the viewer may list."""
        return (
            view.metadata_key.startswith(self.prefix)
            and (self.category is None or view.entry.category == self.category)
            and (self.source is None or view.entry.source == self.source)
        )


def page_of_entries(
    viewer: Viewer, content: Content, keys: KeyRing, request: PageRequest, wanted: EntryFilter
) -> tuple[Page[EntryView], int]:
    """A page of the entries that the viewer sees now, by key, and how many entries were decoded for it."""
    includes = viewer.may_know_of if wanted.include_inactive else viewer.sees
    found, decoded = list[EntryView](), 0
    for key in _keys_of_page(content, request, wanted.prefix):
        entry = content.get(key)
        decoded += 1
        if entry is None or not includes(entry):
            continue
        view = EntryView(viewer, key, entry, keys)
        if wanted.matches(view):
            found.append(view)
            if len(found) > request.size:
                break
    return page_of(found, request), decoded


def _keys_of_page(content: Content, request: PageRequest, prefix: str) -> Iterator[str]:
    """The keys that may be on a page, in the order in which it is filled."""
    _, backwards, after, before = request
    start = before if backwards else max(after or "", prefix)
    for key in content.keys_from(start, backwards=backwards):
        if (after is not None and key <= after) or key < prefix:
            if backwards:
                return
        elif before is not None and key >= before:
            if not backwards:
                return
        elif key.startswith(prefix):
            yield key
        elif not backwards:
            return


def count_entries(viewer: Viewer, content: Content, *, include_inactive: bool) -> int:
    """How many entries the viewer sees now; with `include_inactive` how many they may know of."""
    stored = content.conditional.values()
    if include_inactive and viewer.access.is_admin:
        return content.unconditional_count + len(stored)
    return content.unconditional_count + sum(map(viewer.sees_stored, stored))


def entry_of(viewer: Viewer, content: Content, key: str, keys: KeyRing) -> EntryView | None:
    """One entry, if the viewer sees it now."""
    entry = content.get(key)
    return EntryView(viewer, key, entry, keys) if entry is not None and viewer.sees(entry) else None


def _decrypt(access: DocumentAccess, key: str, ciphertext: str, keys: KeyRing) -> str:
    try:
        return keys.decrypt(CipherContext.of(access, key), ciphertext)
    except Undecipherable as error:
        raise MalformedData("metadata", access.user_id, f"`{key}` cannot be decrypted: {error}") from None


def _visible_metadata(viewer: Viewer, metadata: str, conditions: str, keys: KeyRing) -> str:
    """The object that the viewer sees now, spliced from stored texts: decoding and encoding them would cost a
    page of users more than all else. Raises MalformedData."""
    members = [
        f"{strict_json.dumps(key)}:{_decrypt(viewer.access, key, ciphertext, keys) if text is None else text}"
        for key, text, ciphertext in viewer.visible_conditional(conditions)
    ]
    if not members:
        return metadata
    return "{" + ",".join([*members, metadata[1:-1]] if metadata != "{}" else members) + "}"
