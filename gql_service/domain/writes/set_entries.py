"""Setting typed entries: each with its type, flags, window and description, all of them or none."""

from collections.abc import Mapping, Sequence
from typing import Any

from gql_service.domain.documents.entries import TEXT_LIMITS, Entry, check_text
from gql_service.domain.values.encryption import Undecipherable
from gql_service.domain.values.types import InvalidValue, ValueType, conform, parse
from gql_service.domain.values.validation import InputPath, Limits, check_delete_keys, check_key, check_size
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected
from gql_service.instants import parse_milliseconds

MAX_ENTRIES = 100
"""Entries of one write."""

EntryInput = Mapping[str, Any]
"""What is said about an entry, by the names of its fields; what is left out stays as it is."""

_FLAGS = ("is_encrypted", "is_indexed", "is_public", "is_editable")
_WINDOW = ("valid_from", "valid_until")


def set_entries(entries: Sequence[EntryInput], delete_keys: object, limits: Limits) -> Change:
    """Remove entries, then create or change entries. Raises Rejected."""
    if len(entries) > MAX_ENTRIES:
        message = f"There are {len(entries)} entries; {MAX_ENTRIES} are allowed at once."
        raise Rejected(Problem.TOO_MANY_KEYS, message, ("entries",))
    deleting = dict.fromkeys(check_delete_keys(delete_keys))
    said = []
    for index, given in enumerate(entries):
        field = ("entries", str(index))
        check_key(given["metadata_key"], limits, (*field, "metadata_key"))
        said.append((given["metadata_key"], given, _attributes(given, field), field))

    def apply(draft: Draft) -> None:
        for key in deleting:
            draft.delete(key, ("delete_keys", key))
        for key, given, attributes, field in said:
            _set(draft, key, given, attributes, field)

    return Change(apply, {key for key, *_ in said} | deleting.keys(), deleting.keys())


def _set(draft: Draft, key: str, given: EntryInput, attributes: Mapping[str, Any], field: InputPath) -> None:
    draft.require_change(key, (*field, "metadata_value"))  # before anything can be learnt of the value
    current = draft.get(key)
    unseen = current is not None and not draft.sees(current)
    if unseen and (attributes or given.get("metadata_value") is None):
        message = f"You do not see {key[:40]!r}, so that you may set its value and type, and nothing else."
        raise Rejected(Problem.KEY_NOT_EDITABLE, message, (*field, "metadata_value"))
    type_ = draft.defined_type(key) or ValueType.string
    if current is not None and not unseen:
        type_ = current.type
    if given.get("value_type") is not None:
        type_ = ValueType(given["value_type"])
    text = _text(draft, key, type_, given, current, (*field, "metadata_value"))
    entry = current
    if entry is None:
        entry = draft.born(key, type_, text, public=False, editable=False)
    entry = entry._replace(type=type_, **attributes)
    if text is not None:
        entry = entry._replace(text=text, ciphertext=None)
    start, end = entry.valid_from, entry.valid_until
    if start is not None and end is not None and start >= end:
        message = f"{key[:40]!r} would expire before it is valid."
        raise Rejected(Problem.INVALID_VALIDITY, message, (*field, "valid_until"))
    draft.put(key, entry, (*field, "metadata_value"))


def _text(
    draft: Draft, key: str, type_: ValueType, given: EntryInput, current: Entry | None, field: InputPath
) -> str | None:
    """The canonical text of the new value; None where the old one stays. Raises Rejected."""
    value = given.get("metadata_value")
    try:
        if value is not None:
            text = parse(type_, value, draft.limits)
            if type_ is not ValueType.binary:  # of which the bytes were counted, not their text
                check_size(text, draft.limits, field)
            return text
        if current is None or "metadata_value" in given:
            message = f"{key[:40]!r} needs a value: a new entry has none, and none is null."
            raise Rejected(Problem.INVALID_VALUE, message, field)
        return None if current.type is type_ else conform(type_, draft.text(key, current), draft.limits)
    except InvalidValue as error:
        message = f"The value of {key[:40]!r} cannot be stored as {type_.value}. {error}"
        raise Rejected(error.problem, message, field) from None
    except Undecipherable as error:
        message = f"The value of {key[:40]!r} cannot be decrypted: {error}."
        raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, field) from None


def _attributes(given: EntryInput, field: InputPath) -> dict[str, Any]:
    """What is said besides the value, checked; null stands for what a new entry has. Raises Rejected."""
    said: dict[str, Any] = {name: bool(given[name]) for name in _FLAGS if name in given}
    for name, longest in TEXT_LIMITS.items():
        if name in given:
            said[name] = check_text(given[name], longest, (*field, name))
    for name in _WINDOW:
        if name in given:
            said[name] = _instant(given[name], (*field, name))
    return said


def _instant(text: str | None, field: InputPath) -> int | None:
    try:
        return None if text is None else parse_milliseconds(text)
    except ValueError as error:
        message = f"{text!r} is no instant: {error}."
        raise Rejected(Problem.INVALID_VALIDITY, message, field) from None
