"""Setting and removing definitions, and the mode of a platform, after checking existing documents."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, update

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.definitions import definitions, history
from gql_service.domain.definitions.assignment import Assignment, check_assignment
from gql_service.domain.definitions.conformance import (
    ConformanceReport,
    DocumentCheck,
    check_conformance,
    plaintext,
)
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.path_index import index_paths
from gql_service.domain.definitions.presentation import check_presentation
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.value_rules import check_rules
from gql_service.domain.documents.entries import TEXT_LIMITS, Content, check_text
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.events.events import Event, EventType, record
from gql_service.domain.tenants import MetadataMode, platforms_by_ids
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.values.types import ValueType
from gql_service.domain.values.validation import InputPath, Limits, check_key
from gql_service.errors import NotFound, Problem, Rejected
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.quoting import quoted
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions, platforms

MAX_DEFINITIONS = 500
"""Definitions of one platform."""
MAX_RULES = 256 * 1024
"""Characters of all rules of one platform, which each write reads."""
MAX_ASSIGNMENTS = 256 * 1024
"""Characters of all assignments of one platform, which each evaluation reads."""

DEFAULT_FLAGS = ("is_encrypted", "is_indexed", "is_public", "is_editable")
DEFAULT_TEXTS = ("category", "description")
"""The attributes of new entries that a definition may set, by the names of `Entry`'s fields."""

_RULE_NAMES = {
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "choices": "choices",
    "schema": "schema",
    "indexed_paths": "indexedPaths",
}
"""The rules by the names of the inputs, with their names in the API."""

_BY_KEY = (
    metadata_definitions.c.platform_id == bindparam("of_platform"),
    metadata_definitions.c.key == bindparam("of_key"),
)
_INSERT = Statement(insert(metadata_definitions))
_UPDATED_COLUMNS = ("value_type", "rules", "defaults", "assignment", "presentation", "updated_at")
_UPDATE = Statement(
    update(metadata_definitions).where(*_BY_KEY).values({name: bindparam(name) for name in _UPDATED_COLUMNS})
)
_DELETE = Statement(delete(metadata_definitions).where(*_BY_KEY))
_SET_STRICT = Statement(
    update(platforms)
    .where(platforms.c.id == bindparam("of_platform"), platforms.c.strict != bindparam("strict"))
    .values(strict=bindparam("strict"))
    .returning(platforms.c.id)
)

_UNCHECKED = ConformanceReport(0, 0, [])

DefinitionInput = Mapping[str, Any]
"""A definition from a client, by the names of the inputs. Null is the same as leaving an input out."""


class CheckedDefinition(NamedTuple):
    """A definition that was checked; its rules, defaults and presentation are canonical JSON text."""

    key: str
    value_type: ValueType
    rules: str
    defaults: str
    assignment: Assignment
    presentation: str


class NonconformingData(Rejected):
    """Documents do not conform to a definition or mode, and `force` was not set."""

    def __init__(self, report: ConformanceReport, what: str, field: InputPath) -> None:
        count = report.broken
        examples = "; ".join(f"{each.username} ({each.violation})" for each in report.examples)
        message = (
            f"{count} document{' breaks' if count == 1 else 's break'} {what}, such as that of "
            f"{examples}. Nothing has changed. Correct the documents first, or set `force` "
            "to leave them as they are until their values are next written."
        )
        super().__init__(Problem.DATA_BREAKS_DEFINITION, message, field)
        self.report = report


def check_input(arguments: DefinitionInput, limits: Limits) -> CheckedDefinition:
    """Check a definition from a client. Raises Rejected."""
    check_key(arguments["key"], limits, ("key",))
    type_ = ValueType(arguments["value_type"])
    rules = check_rules(type_, {rule: arguments.get(name) for name, rule in _RULE_NAMES.items()}, limits)
    defaults: dict[str, Any] = {name: arguments.get(name) for name in DEFAULT_FLAGS}
    for name in DEFAULT_TEXTS:
        defaults[name] = check_text(arguments.get(name), TEXT_LIMITS[name], (name,))
    defaults = {name: default for name, default in defaults.items() if default is not None}
    assignment = check_assignment(type_, rules, arguments, limits)
    presentation = strict_json.dumps(check_presentation(arguments))
    return CheckedDefinition(
        arguments["key"], type_, rules, strict_json.dumps(defaults), assignment, presentation
    )


async def define(
    transaction: Connection,
    access: PlatformAccess,
    definition: CheckedDefinition,
    *,
    force: bool,
    keys: KeyRing,
    now: int,
    seconds: float | None,
) -> tuple[StoredDefinition, ConformanceReport]:
    """Create or replace a definition; returns it, and which documents do not conform to it.

    If only other parts than the type and the rules change, documents are not checked: a flag must be switched
    off at once, however many documents there are. Raises NonconformingData, Rejected, or LimitExceeded if
    checking and indexing the documents takes longer than `seconds`; nothing has changed then.
    """
    started = time.monotonic()
    defined = await _lock_platform(transaction, access)
    former = defined.get(definition.key)
    row, report = await _check(
        transaction, access, definition, defined, force=force, keys=keys, now=now, seconds=seconds
    )
    if former is not None and _is_same(row, former):
        return former, report
    values = row.column_values()
    if former is None:
        await transaction.execute(_INSERT, **values)
    else:
        updated = {name: values[name] for name in _UPDATED_COLUMNS}
        await transaction.execute(_UPDATE, of_platform=access.platform_id, of_key=row.key, **updated)
    paths = row.definition.indexed_paths
    if paths != (former.definition.indexed_paths if former else []):
        rest = None if seconds is None else seconds - (time.monotonic() - started)
        await index_paths(transaction, access.platform_id, row.key, paths, seconds=rest)
    await history.record(transaction, access, row.key, row, now=now)
    await _note(transaction, access, row.key, row.definition.is_hidden, now)
    return row, report


async def try_definition(
    connection: Connection,
    access: PlatformAccess,
    definition: CheckedDefinition,
    *,
    force: bool,
    keys: KeyRing,
    now: int,
    seconds: float | None,
) -> tuple[StoredDefinition, ConformanceReport]:
    """What `define` would return. Nothing is changed, and nobody has to wait.

    Raises NonconformingData, Rejected, or LimitExceeded if it takes longer than `seconds`.
    """
    access.verify()
    (rows,) = await definitions.stored_of_platforms(connection, [access.platform_id])
    defined = {row.key: row for row in rows}
    return await _check(
        connection, access, definition, defined, force=force, keys=keys, now=now, seconds=seconds
    )


async def _check(
    connection: Connection,
    access: PlatformAccess,
    definition: CheckedDefinition,
    defined: Mapping[str, StoredDefinition],
    *,
    force: bool,
    keys: KeyRing,
    now: int,
    seconds: float | None,
) -> tuple[StoredDefinition, ConformanceReport]:
    """A definition as it would be stored, and the documents that do not conform to it.

    Raises NonconformingData if there are any, unless `force` is set, and Rejected or LimitExceeded.
    """
    former = defined.get(definition.key)
    row = StoredDefinition(
        access.platform_id,
        definition.key,
        definition.value_type.value,
        definition.rules,
        definition.defaults,
        former.created_at if former else now,
        now,
        definition.assignment.with_ranges(former.assignment if former else Assignment()).encode(),
        definition.presentation,
    )
    _check_platform_limits([other for other in defined.values() if other is not former], row)
    if former is not None and not _is_same(row, former) and not row.has_other_rules(former):
        return row, _UNCHECKED
    check = _value_check(access, row, keys, now)
    report = await check_conformance(connection, access, check, key=row.key, seconds=seconds)
    if report.broken and not force:
        raise NonconformingData(report, "this definition", ("key",))
    return row, report


def _is_same(row: StoredDefinition, former: StoredDefinition) -> bool:
    return former == row._replace(updated_at=former.updated_at)


async def remove_definition(transaction: Connection, access: PlatformAccess, key: str, *, now: int) -> bool:
    """Remove a definition; values stay. Returns whether there was one."""
    former = (await _lock_platform(transaction, access)).get(key)
    if former is None:
        return False
    await transaction.execute(_DELETE, of_platform=access.platform_id, of_key=key)
    await index_paths(transaction, access.platform_id, key, (), seconds=None)
    await history.record(transaction, access, key, None, now=now)
    await _note(transaction, access, key, former.definition.is_hidden, now, is_removed=True)
    return True


async def set_mode(
    transaction: Connection,
    access: PlatformAccess,
    mode: MetadataMode,
    *,
    force: bool,
    now: int,
    seconds: float | None,
) -> int:
    """Set which keys documents may have; returns how many documents have others. Raises as `define` does."""
    defined = await _lock_platform(transaction, access)
    report = _UNCHECKED
    if mode is MetadataMode.STRICT:
        report = await check_conformance(transaction, access, _key_check(defined, now), seconds=seconds)
    if report.broken and not force:
        raise NonconformingData(report, "this mode", ("mode",))
    strict = mode is MetadataMode.STRICT
    if await transaction.fetch(_SET_STRICT, of_platform=access.platform_id, strict=strict):
        event = SecurityEvent(EventKind.PLATFORM_MODE_CHANGED, access.platform_key, mode.value)
        transaction.security_events.append(event)
    return report.broken


async def _note(
    transaction: Connection,
    access: PlatformAccess,
    key: str,
    is_hidden: bool,
    now: int,
    *,
    is_removed: bool = False,
) -> None:
    """Put a write of a definition into the security log and the events."""
    kind = EventKind.DEFINITION_REMOVED if is_removed else EventKind.DEFINITION_CHANGED
    transaction.security_events.append(SecurityEvent(kind, f"{access.platform_key}:{key}"))
    event = Event(
        EventType.DEFINITION_REMOVED if is_removed else EventType.DEFINITION_CHANGED,
        access.tenant_id,
        access.platform_id,
        user_id=None,
        actor_id=access.actor_id,
        occurred_at=now,
        changed_keys=() if is_hidden else (key,),
        hidden_keys=(key,) if is_hidden else (),
    )
    await record(transaction, [event])


async def _lock_platform(transaction: Connection, access: PlatformAccess) -> dict[str, StoredDefinition]:
    """Keep others from writing documents of the platform; returns its definitions by their keys."""
    access.verify()
    await transaction.lock([access.platform_id], exclusive=True)
    if await platforms_by_ids(transaction, [access.platform_id]) == [None]:
        raise NotFound("Platform not found")  # it has just been deleted
    (rows,) = await definitions.stored_of_platforms(transaction, [access.platform_id])
    return {row.key: row for row in rows}


def _check_platform_limits(others: Sequence[StoredDefinition], definition: StoredDefinition) -> None:
    if len(others) >= MAX_DEFINITIONS:
        message = f"The platform has {len(others)} definitions; {MAX_DEFINITIONS} are allowed."
        raise invalid_definition(message, ("key",))
    rows = [*others, definition]
    if (size := sum(len(row.stored_rules) for row in rows)) > MAX_RULES:
        message = f"The rules of all definitions would take {size} characters; {MAX_RULES} are allowed."
        raise invalid_definition(message, ("schema",))
    if (size := sum(len(row.stored_assignment) for row in rows)) > MAX_ASSIGNMENTS:
        message = (
            f"The defaults and variants of all definitions would take {size} characters; {MAX_ASSIGNMENTS} "
            "are allowed."
        )
        raise invalid_definition(message, ("default",))


def _value_check(access: PlatformAccess, row: StoredDefinition, keys: KeyRing, now: int) -> DocumentCheck:
    def check(document: MetadataDocument, content: Content) -> str | None:
        entry = content.get(row.key)
        if entry is None or entry.has_expired(now):
            return None
        text = plaintext(access, document.user_id, row.key, entry, keys)
        return "it cannot be decrypted" if text is None else row.definition.violation(entry.type, text)

    return check


def _key_check(defined: Mapping[str, StoredDefinition], now: int) -> DocumentCheck:
    def check(_document: MetadataDocument, content: Content) -> str | None:
        for key in content:
            if key not in defined and (entry := content.get(key)) and not entry.has_expired(now):
                return quoted(key)
        return None

    return check
