"""One document while it is being written: here alone, flags, windows and definitions bind a write."""

from collections.abc import Iterator, Mapping
from typing import Any

from gql_service.auth.access import DocumentAccess
from gql_service.domain.definitions.definitions import PlatformDefinitions
from gql_service.domain.definitions.refusals import rule_violation
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.history.point_in_time import Past
from gql_service.domain.values.encryption import CipherContext, Undecipherable
from gql_service.domain.values.types import InvalidValue, ValueType, conform, type_of
from gql_service.domain.values.validation import InputPath, WriteSettings
from gql_service.errors import Problem, Rejected


class Draft:
    """The entries of a document as a write changes them. Every refusal is Rejected, naming the key.

    An entry that has expired is not there: whether it was swept already makes no difference.
    """

    def __init__(
        self,
        access: DocumentAccess,
        content: Content,
        rules: WriteSettings,
        platform: PlatformDefinitions,
        now: int,
    ) -> None:
        access.verify()
        self.access = access
        self.now = now
        self.limits = rules.limits
        self.purges = False
        """Whether what is removed leaves history, too."""
        self.past: Past | None = None
        """What the document was after the revision that the change asked for, if history knows that."""
        self.skipped: set[str] = set()
        """Keys left as they are because history does not know what they were."""
        self._content = content
        self._keys = rules.keys
        self._platform = platform
        self._before: dict[str, Entry | None] = {}
        self.written: set[str] = set()
        """Keys that were set, be it to what they were."""
        self.expired: set[str] = set()
        """Keys whose former entry has expired, and may still be found by the index."""

    def __iter__(self) -> Iterator[str]:
        """The keys that are there, valid yet or not."""
        return (key for key in list(self._content) if self.get(key) is not None)

    def get(self, key: str) -> Entry | None:
        """An entry that has not expired."""
        return self._alive(self._content.get(key))

    def sees(self, entry: Entry) -> bool:
        """Whether the writer may know of an entry: users do not of hidden ones and of those to come."""
        return self.access.is_admin or (entry.is_public and entry.is_active(self.now))

    def may_change(self, entry: Entry) -> bool:
        """Whether the writer may change or delete an entry."""
        return self.access.is_admin or entry.is_editable

    def text(self, key: str, entry: Entry) -> str:
        """The canonical JSON text of a value. Raises Undecipherable."""
        if entry.text is not None:
            return entry.text
        return self._keys.decrypt(CipherContext.of(self.access, key), entry.ciphertext or "")

    def shown_text(self, key: str, field: InputPath) -> str | None:
        """The canonical text of what the object that the writer sees now has under a key; None where it has
        nothing there."""
        entry = self.get(key)
        if entry is None or not self.sees(entry) or not entry.is_active(self.now):
            return None
        try:
            return self.text(key, entry)
        except Undecipherable as error:
            message = f"The value of {_shown(key)} cannot be decrypted: {error}. Set it anew."
            raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, field) from None

    def set(self, key: str, text: str, field: InputPath) -> None:
        """Set a key as part of an object, to a value that was checked: its flags stay, its window goes.

        Who sends back the value they have read changes neither it nor its type, even where they may not.
        """
        current, type_ = self.get(key), self.defined_type(key) or type_of(text)
        if current is not None and self._is_known_to_be(key, current, text):
            if not self.may_change(current):
                return
            type_ = current.type  # a definition that has come since binds other values
        if current is None:
            entry = self.born(key, type_, text, public=True, editable=True)
        else:
            entry = current._replace(
                type=type_, text=text, ciphertext=None, valid_from=None, valid_until=None
            )
        self.put(key, entry, field)

    def defined_type(self, key: str) -> ValueType | None:
        """The type that a key is defined with."""
        definition = self._platform.definitions.get(key)
        return None if definition is None else definition.type

    def born(self, key: str, type_: ValueType, text: str | None, *, public: bool, editable: bool) -> Entry:
        """A new entry, with what its definition says, or else these flags."""
        entry = Entry(
            type=type_,
            text=text,
            ciphertext=None,
            category=None,
            description=None,
            source=None,
            is_indexed=False,
            is_public=public,
            is_editable=editable,
            is_encrypted=False,
            valid_from=None,
            valid_until=None,
            created_at=self.now,
            updated_at=self.now,
            created_by=self.access.actor_id,
            updated_by=self.access.actor_id,
        )
        definition = self._platform.definitions.get(key)
        return entry if definition is None else entry._replace(**definition.defaults)

    def require_change(self, key: str, field: InputPath) -> None:
        """Refuse a key that the writer may not create or change."""
        current, definition = self._remember(key), self._platform.definitions.get(key)
        if current is not None:
            self._require_editable(key, current.is_editable, field)
        elif definition is not None:
            self._require_editable(key, definition.defaults.get("is_editable", True), field)

    def put(self, key: str, entry: Entry, field: InputPath) -> None:
        """Store an entry under a key, new or changed, if the writer may and its definition allows."""
        self.require_change(key, field)
        current, definition = self.get(key), self._platform.definitions.get(key)
        if entry.text is not None:
            try:
                entry = entry._replace(text=conform(entry.type, entry.text, self.limits))
            except InvalidValue as error:
                if definition is not None and entry.type is definition.type:
                    raise rule_violation(key, f"`valueType`. {str(error).rstrip('.')}", field) from None
                message = f"The value of {_shown(key)} is not of its type. {error}"
                raise Rejected(error.problem, message, field) from None
        if entry.text is not None and not self._keeps(key, current, entry):
            self._require_allowed(key, entry.type, entry.text, field, secret=entry.is_encrypted)
        self._content.put(key, self._sealed(key, entry, field))
        self.written.add(key)

    def delete(self, key: str, field: InputPath) -> bool:
        """Remove an entry; returns whether there was one that the writer knows of."""
        entry = self._remember(key)
        if entry is None:
            return False
        self._require_editable(key, entry.is_editable, field)
        self._content.remove(key)
        return self.sees(entry)

    def keep_only(self, keys: Mapping[str, Any]) -> None:
        """Remove all other keys; of a user's own document, what is hidden from them or not editable stays."""
        for key in list(self._content):
            if key not in keys:
                entry = self._remember(key)
                if entry is None or self.access.is_admin or (entry.is_editable and self.sees(entry)):
                    self._content.remove(key)

    def changes(self) -> dict[str, tuple[Entry | None, Entry | None]]:
        """What the write changes: for each key, the entry before and after. Call it once, at the end.

        One that is set to what it was is no change; but who cannot see it must not learn that by it.
        """
        changed = {}
        for key, before in self._before.items():
            after = self._content.get(key)
            if before is not None and after is not None:
                told = key not in self.written or self.sees(before)
                if told and self._says_the_same(key, before, after):
                    self._content.put(key, before)
                    continue
                after = after._replace(updated_at=self.now, updated_by=self.access.actor_id)
                self._content.put(key, after)
            elif key not in self.written:
                after = None  # it is there no more, or has expired and was left alone
            if before is not None or after is not None:
                changed[key] = (before, after)
        return changed

    def _alive(self, entry: Entry | None) -> Entry | None:
        return None if entry is None or entry.has_expired(self.now) else entry

    def _is_known_to_be(self, key: str, entry: Entry, text: str) -> bool:
        """Whether the writer sees an entry, and that its value is this."""
        if not self.sees(entry):
            return False
        try:
            return self.text(key, entry) == text
        except Undecipherable:
            return False

    def _remember(self, key: str) -> Entry | None:
        stored = self._content.get(key)
        current = self._alive(stored)
        if stored is not None and current is None:
            self.expired.add(key)
        self._before.setdefault(key, current)
        return current

    def _keeps(self, key: str, before: Entry | None, after: Entry) -> bool:
        """Whether a value is known to be as it was, whatever definition has come since."""
        if before is None or before.type is not after.type:
            return False
        return self._is_known_to_be(key, before, after.text or "")

    def _require_allowed(
        self, key: str, type_: ValueType, text: str, field: InputPath, *, secret: bool
    ) -> None:
        definition = self._platform.definitions.get(key)
        if definition is not None:
            definition.check(key, type_, text, field, secret=secret)
        elif self._platform.strict:
            message = f"The platform accepts defined keys only, and {_shown(key)} is not defined."
            raise Rejected(Problem.KEY_NOT_DEFINED, message, field)

    def _require_editable(self, key: str, editable: bool, field: InputPath) -> None:
        if not editable and not self.access.is_admin:
            message = f"You may not change {_shown(key)}; an admin may."
            raise Rejected(Problem.KEY_NOT_EDITABLE, message, field)

    def _sealed(self, key: str, entry: Entry, field: InputPath) -> Entry:
        """Encrypted, if it is to be and is not yet; or decrypted, if it is not to be any more."""
        if entry.text is None:
            if not entry.is_encrypted:
                return entry._replace(text=self._decrypted(key, entry, field), ciphertext=None)
            if entry.is_indexed:
                self._decrypted(key, entry, field)  # what it is found by is made of the value
        elif entry.is_encrypted:
            try:
                ciphertext = self._keys.encrypt(CipherContext.of(self.access, key), entry.text)
            except Rejected as rejected:
                raise Rejected(rejected.problem, rejected.message, field) from None
            return entry._replace(text=None, ciphertext=ciphertext)
        return entry

    def _decrypted(self, key: str, entry: Entry, field: InputPath) -> str:
        try:
            return self.text(key, entry)
        except Undecipherable as error:
            message = f"The value of {_shown(key)} cannot be decrypted: {error}. Set it anew."
            raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, field) from None

    def _says_the_same(self, key: str, before: Entry, after: Entry) -> bool:
        """Whether two entries differ in nothing but who wrote them when."""
        if before.is_encrypted and after.is_encrypted and before.ciphertext != after.ciphertext:
            try:
                if self.text(key, before) != self.text(key, after):
                    return False
            except Undecipherable:
                return False
            after = after._replace(ciphertext=before.ciphertext)
        return _content_of(before) == _content_of(after)


def _content_of(entry: Entry) -> tuple[Any, ...]:
    return entry[:12]


def _shown(key: str) -> str:
    return repr(key if len(key) <= 40 else key[:40] + "…")
