"""One document while it is being written. Flags, windows and definitions bind a write here and nowhere
else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gql_service.auth.access import DocumentAccess
from gql_service.domain.definitions.definitions import Definition, PlatformDefinitions
from gql_service.domain.definitions.refusals import rule_violation
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.history.point_in_time import Past
from gql_service.domain.values.encryption import CipherContext, Undecipherable
from gql_service.domain.values.refusals import undecipherable_value
from gql_service.domain.values.types import InvalidValue, ValueType, conform, type_of
from gql_service.domain.values.validation import InputPath, WriteSettings
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted


class Draft:
    """The entries of a document as a write changes them. Every refusal is Rejected, with the path of the
    input.

    An expired entry counts as absent, whether or not it was deleted already.
    """

    def __init__(
        self,
        access: DocumentAccess,
        content: Content,
        write_settings: WriteSettings,
        platform: PlatformDefinitions,
        now: int,
        written_at: int,
    ) -> None:
        access.verify()
        self.access = access
        self.now = now
        self.written_at = written_at
        """The instant that the document and its history get. It is later than `now` where the clock was set
        back, because the time of a document never goes back."""
        self.limits = write_settings.limits
        self.viewer = Viewer(access, now)
        self.purges = False
        """Whether removed keys leave the history, too."""
        self.past: Past | None = None
        """The document after the revision that a restore names, if the history reaches it."""
        self.skipped_keys: set[str] = set()
        """Keys left as they are because the history has no value of them."""
        self.written_keys: set[str] = set()
        """Keys that were set, even to the value they had."""
        self.expired_keys: set[str] = set()
        """Keys whose former entry has expired, and may still be in the index."""
        self.json_values = self.json_containers = 0
        """What the texts of JSON that were set contain."""
        self._content = content
        self._key_ring = write_settings.keys
        self._platform = platform
        self._before: dict[str, Entry | None] = {}

    def __iter__(self) -> Iterator[str]:
        """The keys of entries that have not expired."""
        return (key for key in list(self._content) if self.get(key) is not None)

    def get(self, key: str) -> Entry | None:
        """An entry that has not expired."""
        return self._unless_expired(self._content.get(key))

    def indexed_paths(self, key: str) -> Sequence[str]:
        """The paths of values of a key that are indexed."""
        return self._platform.indexed_paths(key)

    def text(self, key: str, entry: Entry) -> str:
        """The canonical JSON text of a value. Raises Undecipherable."""
        if entry.text is not None:
            return entry.text
        return self._key_ring.decrypt(CipherContext.of(self.access, key), entry.ciphertext or "")

    def visible_text(self, key: str, path: InputPath) -> str | None:
        """The canonical text of the value that the writer sees now; None if there is none."""
        entry = self.get(key)
        return self._decrypted(key, entry, path) if entry is not None and self.viewer.sees(entry) else None

    def set(self, key: str, text: str, path: InputPath) -> None:
        """Set a key to a validated value, as part of an object: its flags stay, its window is removed.

        A caller who sends back the value they read changes neither the value nor its type, even where they
        may not change the entry.
        """
        current, type_ = self.get(key), self.defined_type(key) or type_of(text)
        if current is not None and self._is_known_value(key, current, text):
            if not self.viewer.may_change(current):
                return
            type_ = current.type  # definitions bind new values only
        if current is None:
            entry = self.new_entry(key, type_, text, public=True, editable=True)
        else:
            entry = current._replace(
                type=type_, text=text, ciphertext=None, valid_from=None, valid_until=None
            )
        self.put(key, entry, path)

    def defined_type(self, key: str) -> ValueType | None:
        """The type in the definition of a key."""
        definition = self._platform.definitions.get(key)
        return None if definition is None else definition.type

    def new_entry(
        self, key: str, type_: ValueType, text: str | None, *, public: bool, editable: bool
    ) -> Entry:
        """An entry that did not exist, with the defaults of its definition, or else with these flags."""
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
            created_at=self.written_at,
            updated_at=self.written_at,
            created_by=self.access.actor_id,
            updated_by=self.access.actor_id,
        )
        definition = self._platform.definitions.get(key)
        return entry if definition is None else entry._replace(**definition.defaults)

    def require_change(self, key: str, path: InputPath) -> None:
        """Refuse a key that the writer may not create or change."""
        current, definition = self._remember(key), self._platform.definitions.get(key)
        if current is not None:
            self._require_editable(key, current.is_editable, path)
        elif definition is not None:
            self._require_editable(key, definition.defaults.get("is_editable", True), path)

    def put(self, key: str, entry: Entry, path: InputPath) -> None:
        """Store an entry under a key, new or changed, if the writer may and its definition allows it."""
        self.require_change(key, path)
        current, definition = self.get(key), self._platform.definitions.get(key)
        if entry.text is not None:
            try:
                text = conform(entry.type, entry.text, self.limits)
            except InvalidValue as error:
                self._require_known(key, definition, path)
                if definition is not None and entry.type is definition.type:
                    raise rule_violation(key, f"`valueType`. {str(error).rstrip('.')}", path) from None
                message = f"The value of {quoted(key)} does not match its type. {error}"
                raise Rejected(error.problem, message, path) from None
            if text != entry.text:
                entry = entry._replace(text=text)
        if entry.text is not None and not self._keeps_value(key, current, entry):
            self._require_allowed(key, entry.type, entry.text, path, secret=entry.is_encrypted)
        self._content.put(key, self._encrypt_or_decrypt(key, entry, path))
        self.written_keys.add(key)

    def delete(self, key: str, path: InputPath) -> None:
        """Delete an entry. Nothing happens where there is none that the writer may know of."""
        entry = self._remember(key)
        if entry is not None and self.viewer.may_know_of(entry):
            self._require_editable(key, entry.is_editable, path)
            self._content.remove(key)

    def keep_only(self, keys: Mapping[str, Any]) -> None:
        """Delete all other keys. A user's write leaves the entries that are hidden from them or not
        editable."""
        for key in list(self._content):
            if key not in keys:
                entry = self._remember(key)
                if entry is None or (self.viewer.may_change(entry) and self.viewer.may_know_of(entry)):
                    self._content.remove(key)

    def changes(self) -> dict[str, tuple[Entry | None, Entry | None]]:
        """Each changed key with its entry before and after. Call it once, at the end of the write.

        Setting an entry to what it was is no change, except where the writer cannot see it: an unchanged
        revision would tell them that they guessed the value.
        """
        changed = {}
        for key, before in self._before.items():
            after = self._content.get(key)
            if before is not None and after is not None:
                may_compare = key not in self.written_keys or self.viewer.may_know_of(before)
                if may_compare and self._has_same_content(key, before, after):
                    self._content.put(key, before)
                    continue
                after = after._replace(updated_at=self.written_at, updated_by=self.access.actor_id)
                self._content.put(key, after)
            elif key not in self.written_keys:
                after = None  # deleted, or expired and left alone
            if before is not None or after is not None:
                changed[key] = (before, after)
        return changed

    def _unless_expired(self, entry: Entry | None) -> Entry | None:
        return None if entry is None or entry.has_expired(self.now) else entry

    def _is_known_value(self, key: str, entry: Entry, text: str) -> bool:
        """Whether the writer may know of an entry, and its value has this text."""
        if not self.viewer.may_know_of(entry):
            return False
        try:
            return self.text(key, entry) == text
        except Undecipherable:
            return False

    def _remember(self, key: str) -> Entry | None:
        """The entry before the write."""
        stored = self._content.get(key)
        current = self._unless_expired(stored)
        if stored is not None and current is None:
            self.expired_keys.add(key)
        self._before.setdefault(key, current)
        return current

    def _keeps_value(self, key: str, before: Entry | None, after: Entry) -> bool:
        """Whether the writer knows that the value stays as it was. Definitions bind new values only."""
        if before is None or before.type is not after.type:
            return False
        return self._is_known_value(key, before, after.text or "")

    def _require_allowed(
        self, key: str, type_: ValueType, text: str, path: InputPath, *, secret: bool
    ) -> None:
        definition = self._platform.definitions.get(key)
        if definition is not None:
            if definition.violation(type_, text) is not None:
                self._require_known(key, definition, path)
            definition.check(key, type_, text, path, secret=secret)
        elif self._platform.strict:
            message = f"The platform accepts defined keys only, and {quoted(key)} is not defined."
            raise Rejected(Problem.KEY_NOT_DEFINED, message, path)

    def _require_known(self, key: str, definition: Definition | None, path: InputPath) -> None:
        """Refuse a value without saying what its definition requires, where the writer may not know."""
        if definition is not None and definition.is_hidden and not self.access.is_admin:
            message = f"The definition of {quoted(key)} does not allow this value."
            raise Rejected(Problem.RULE_BROKEN, message, path)

    def _require_editable(self, key: str, editable: bool, path: InputPath) -> None:
        if not editable and not self.access.is_admin:
            message = f"You may not change {quoted(key)}. Ask a tenant admin to change it."
            raise Rejected(Problem.KEY_NOT_EDITABLE, message, path)

    def _encrypt_or_decrypt(self, key: str, entry: Entry, path: InputPath) -> Entry:
        """The entry with its value stored as its flag `is_encrypted` says."""
        if entry.text is None:
            if not entry.is_encrypted:
                return entry._replace(text=self._decrypted(key, entry, path), ciphertext=None)
            if entry.is_indexed:
                self._decrypted(key, entry, path)  # the index needs the value
        elif entry.is_encrypted:
            try:
                ciphertext = self._key_ring.encrypt(CipherContext.of(self.access, key), entry.text)
            except Rejected as rejected:
                raise Rejected(rejected.problem, rejected.message, path) from None
            return entry._replace(text=None, ciphertext=ciphertext)
        return entry

    def _decrypted(self, key: str, entry: Entry, path: InputPath) -> str:
        try:
            return self.text(key, entry)
        except Undecipherable as error:
            raise undecipherable_value(key, error, path) from None

    def _has_same_content(self, key: str, before: Entry, after: Entry) -> bool:
        """Whether two entries differ at most in who wrote them and when."""
        if before.is_encrypted and after.is_encrypted and before.ciphertext != after.ciphertext:
            try:
                if self.text(key, before) != self.text(key, after):
                    return False
            except Undecipherable:
                return False
            after = after._replace(ciphertext=before.ciphertext)
        return before.same_content(after)
