"""Documents and entries as a viewer sees them: who may see which value, when, is decided here alone."""

import hashlib
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.entries import Entry, visible_entries
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.domain.values.types import ValueType, to_text
from gql_service.errors import MalformedData


def sees(access: DocumentAccess, entry: Entry) -> bool:
    """Whether the viewer may know of an entry while it is valid."""
    return access.is_admin or entry.is_public


class DocumentView(NamedTuple):
    """A document that the caller may have, with whose it is: the subject of the rules, too."""

    user_id: str
    username: str
    tenant_id: str
    platform_key: str | None
    metadata: str | MalformedData
    """The canonical text of the object of what the caller sees now; or why it cannot be told."""
    revision: int
    created_at: int | None
    updated_at: int | None
    access: DocumentAccess
    is_conditional: bool
    """Whether another viewer, or another moment, may have other metadata at the same revision."""
    document: MetadataDocument
    """What was read or has just been written."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @staticmethod
    def of(
        access: DocumentAccess, document: MetadataDocument, keys: KeyRing, clock: Callable[[], int]
    ) -> "DocumentView":
        """What was read, with what allows to."""
        metadata: str | MalformedData = document.metadata
        if document.conditions is not None:
            try:
                metadata = _joined(access, document.metadata, document.conditions, keys, clock())
            except MalformedData as error:
                metadata = error
        return DocumentView(
            access.user_id,
            access.username,
            access.tenant_id,
            access.platform_key,
            metadata,
            document.revision,
            document.created_at,
            document.updated_at,
            access,
            document.conditions is not None,
            document,
        )


class EntryView(NamedTuple):
    """An entry that the caller sees, under the names of its fields; the subject of the rules, too."""

    access: DocumentAccess
    metadata_key: str
    entry: Entry
    keys: KeyRing

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)

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
        """What tells this value of this key from others. Raises MalformedData."""
        return digest(self.metadata_key, self.entry.type, self.value)

    @property
    def can_change(self) -> bool:
        return self.access.is_admin or self.entry.is_editable


def digest(key: str, type_: ValueType, text: str) -> str:
    """64 hexadecimal digits for a key, the type and the value that it has."""
    return hashlib.sha256(strict_json.dumps([key, type_.value, text]).encode()).hexdigest()


def plain_text(access: DocumentAccess, key: str, entry: Entry, keys: KeyRing) -> str:
    """The canonical JSON text of a value, decrypted where need be. Raises MalformedData."""
    return entry.text if entry.text is not None else _decrypted(access, key, entry.ciphertext or "", keys)


def _decrypted(access: DocumentAccess, key: str, ciphertext: str, keys: KeyRing) -> str:
    try:
        return keys.decrypt(CipherContext.of(access, key), ciphertext)
    except Undecipherable as error:
        raise MalformedData("metadata", access.user_id, f"`{key}` cannot be decrypted: {error}") from None


def _joined(access: DocumentAccess, metadata: str, conditions: str, keys: KeyRing, at: int) -> str:
    """The object that the viewer sees at an instant, put together from its parts as they are: decoding and
    encoding them would cost a page of users more than all else."""
    more = [
        f"{strict_json.dumps(key)}:{_decrypted(access, key, ciphertext, keys) if text is None else text}"
        for key, text, ciphertext in visible_entries(conditions, at, hidden_too=access.is_admin)
    ]
    if not more:
        return metadata
    return "{" + ",".join([*more, metadata[1:-1]] if metadata != "{}" else more) + "}"


def projection(
    access: DocumentAccess,
    document: MetadataDocument,
    keys: KeyRing,
    at: int,
    only: Collection[str] | None = None,
    *,
    now: int | None = None,
) -> str:
    """The canonical text of the object that the viewer sees at an instant, or of these keys of it.

    If it is not `now`, users see of it what is valid now, too; admins see all. Raises MalformedData.
    """
    instants = [at] if now is None or access.is_admin else [at, now]
    content = document.content()
    # Of a large document most values depend on nobody: they are not even looked at.
    visible_entries = content.unconditional if only is None else {}
    for key in content.conditional_keys if only is None else only:
        entry = content.get(key)
        if entry is not None and sees(access, entry) and all(map(entry.is_active, instants)):
            visible_entries[key] = orjson.Fragment(plain_text(access, key, entry, keys))
    return strict_json.dumps(visible_entries)


def entries(
    access: DocumentAccess, document: MetadataDocument, keys: KeyRing, at: int, *, inactive: bool = False
) -> list[EntryView]:
    """The entries that the viewer sees at an instant, in the order of their keys; admins may see inactive
    ones, too."""
    content = document.content()
    found = [(key, entry) for key in content if (entry := content.get(key)) is not None]
    return [
        EntryView(access, key, entry, keys)
        for key, entry in found
        if sees(access, entry) and (entry.is_active(at) or (inactive and access.is_admin))
    ]


def entry_of(
    access: DocumentAccess, document: MetadataDocument, key: str, keys: KeyRing, at: int
) -> EntryView | None:
    """One entry, if the viewer sees it at an instant."""
    entry = document.content().get(key)
    if entry is None or not entry.is_active(at) or not sees(access, entry):
        return None
    return EntryView(access, key, entry, keys)
