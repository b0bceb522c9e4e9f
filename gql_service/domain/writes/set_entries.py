"""Setting typed entries, each with its type, flags, window and description: all of them or none."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.domain.documents.entries import TEXT_LIMITS, Entry, check_text
from gql_service.domain.values.encryption import Undecipherable
from gql_service.domain.values.refusals import too_many, undecipherable_value
from gql_service.domain.values.types import InvalidValue, ValueType, conform, parse
from gql_service.domain.values.validation import InputPath, Limits, check_delete_keys, check_key, check_size
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected
from gql_service.instants import parse_milliseconds
from gql_service.quoting import quoted

MAX_ENTRIES = 100
"""The most entries of one write."""

EntryInput = Mapping[str, Any]
"""The fields of an entry by name. Fields that are left out stay as they are."""

_FLAGS = ("is_encrypted", "is_indexed", "is_public", "is_editable")
_SET_BY_ADMINS = ("is_encrypted", "is_indexed", "source")
"""What users may not set. Nor may they set the other flags to false."""
_WINDOW = ("valid_from", "valid_until")


class _NewEntry(NamedTuple):
    """One entry of the input, validated as far as possible without the document."""

    key: str
    input: EntryInput
    attributes: Mapping[str, Any]
    path: InputPath


def set_entries(entries: Sequence[EntryInput], delete_keys: object, limits: Limits) -> Change:
    """Delete keys, then create or change entries. Raises Rejected."""
    if len(entries) > MAX_ENTRIES:
        raise too_many(len(entries), "entries", MAX_ENTRIES, ("entries",))
    keys_to_delete = dict.fromkeys(check_delete_keys(delete_keys, limits))
    new_entries = [_validated(entry, ("entries", str(i)), limits) for i, entry in enumerate(entries)]

    def apply(draft: Draft) -> None:
        for key in keys_to_delete:
            draft.delete(key, ("delete_keys", key))
        for entry in new_entries:
            _set(draft, entry)

    keys = {entry.key for entry in new_entries} | keys_to_delete.keys()
    return Change(apply, keys, keys_to_delete.keys())


def _validated(entry: EntryInput, path: InputPath, limits: Limits) -> _NewEntry:
    key = entry["metadata_key"]
    check_key(key, limits, (*path, "metadata_key"))
    return _NewEntry(key, entry, _attributes(entry, path), path)


def _set(draft: Draft, new: _NewEntry) -> None:
    key, path = new.key, (*new.path, "metadata_value")
    by_admin = draft.access.is_admin
    if not by_admin:
        _require_no_binding(new)
    draft.require_change(key, path)  # first of all, so that a refusal reveals nothing about the value
    current = draft.get(key)
    is_hidden = current is not None and not draft.viewer.may_know_of(current)
    if is_hidden and (new.attributes or new.input.get("metadata_value") is None):
        message = f"You cannot see {quoted(key)}, so you may set only its value and type."
        raise Rejected(Problem.KEY_NOT_EDITABLE, message, path)
    type_ = draft.defined_type(key) or ValueType.string
    if current is not None and not is_hidden:
        type_ = current.type
    if new.input.get("value_type") is not None:
        type_ = ValueType(new.input["value_type"])
    text = _text(draft, key, type_, new.input, current, path)
    entry = current
    if entry is None:
        entry = draft.new_entry(key, type_, text, public=not by_admin, editable=not by_admin)
    attributes = {name: value for name, value in new.attributes.items() if by_admin or name not in _FLAGS}
    entry = entry._replace(type=type_, **attributes)
    if text is not None:
        entry = entry._replace(text=text, ciphertext=None)
    start, end = entry.valid_from, entry.valid_until
    if start is not None and end is not None and start >= end:
        message = f"{quoted(key)} would expire before it is valid. Set `validFrom` before `validUntil`."
        raise Rejected(Problem.INVALID_VALIDITY, message, (*new.path, "valid_until"))
    draft.put(key, entry, path)


def _require_no_binding(new: _NewEntry) -> None:
    """Refuse attributes that bind users or concern the whole platform: admins and definitions set them.

    It looks at the input only, so a refusal reveals nothing. Raises Rejected.
    """
    for name in (*_FLAGS, "source"):
        if name in new.input and (name in _SET_BY_ADMINS or new.input[name] is False):
            message = f"Only tenant admins and definitions set `{name}` like this. Leave it out."
            raise Rejected(Problem.NOT_ALLOWED, message, (*new.path, name))


def _text(
    draft: Draft, key: str, type_: ValueType, input: EntryInput, current: Entry | None, path: InputPath
) -> str | None:
    """The canonical text of the new value; None if the old value stays. Raises Rejected."""
    value = input.get("metadata_value")
    try:
        if value is not None:
            if type_ is ValueType.json:
                _count_values(draft, value, path)
            text = parse(type_, value, draft.limits)
            if type_ is not ValueType.binary:  # `parse` has checked the size of the decoded bytes
                check_size(text, draft.limits, path)
            return text
        if current is None or "metadata_value" in input:
            message = f"{quoted(key)} needs a value that is not null."
            raise Rejected(Problem.INVALID_VALUE, message, path)
        return None if current.type is type_ else conform(type_, draft.text(key, current), draft.limits)
    except InvalidValue as error:
        message = f"The value of {quoted(key)} cannot be stored as {type_.value}. {error}"
        raise Rejected(error.problem, message, path) from None
    except Undecipherable as error:
        raise undecipherable_value(key, error, path) from None


def _count_values(draft: Draft, text: str, path: InputPath) -> None:
    """Refuse texts of JSON that together have more values than a request body may have. Raises Rejected."""
    containers, values = strict_json.count_values(text.encode())
    draft.json_containers += containers
    draft.json_values += values
    allowed = draft.limits.max_json_values
    if draft.json_values > allowed or draft.json_containers > strict_json.max_containers(allowed):
        message = (
            f"The JSON of the entries has more than {allowed} values, or a quarter of them are objects and "
            "arrays (GQL_SERVICE_MAX_JSON_VALUES)."
        )
        raise Rejected(Problem.VALUE_TOO_LARGE, message, path)


def _attributes(input: EntryInput, path: InputPath) -> dict[str, Any]:
    """The validated attributes besides the value. Null restores the default of a new entry. Raises
    Rejected."""
    attributes: dict[str, Any] = {name: bool(input[name]) for name in _FLAGS if name in input}
    for name, limit in TEXT_LIMITS.items():
        if name in input:
            attributes[name] = check_text(input[name], limit, (*path, name))
    for name in _WINDOW:
        if name in input:
            attributes[name] = _instant(input[name], (*path, name))
    return attributes


def _instant(text: str | None, path: InputPath) -> int | None:
    try:
        return None if text is None else parse_milliseconds(text)
    except ValueError as error:
        message = f"{quoted(text or '')} is not a valid timestamp: {error}."
        raise Rejected(Problem.INVALID_VALIDITY, message, path) from None
