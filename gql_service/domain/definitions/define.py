"""Saying what the entries of a platform may be, which data that exists may break."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, update

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.conformance import Found, Judge, plain, survey
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.value_rules import check_rules
from gql_service.domain.documents.entries import TEXTS, Content, words
from gql_service.domain.documents.rows import Document
from gql_service.domain.tenants import MetadataMode
from gql_service.domain.values.types import ValueType
from gql_service.domain.values.validation import Limits, Rules, check_key
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions, platforms

MAX_DEFINITIONS = 500
"""Definitions of one platform."""
MAX_RULES = 256 * 1024
"""Characters of all rules of one platform, which each write reads."""

DEFAULT_FLAGS = ("is_encrypted", "is_indexed", "is_public", "is_editable")
DEFAULT_TEXTS = ("category", "description")
"""What may be said about new entries, by the names of their fields."""

_RULES = {
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "choices": "choices",
    "schema": "schema",
}

_THIS = (
    metadata_definitions.c.platform_id == bindparam("of_platform"),
    metadata_definitions.c.key == bindparam("of_key"),
)
_INSERT = Statement(insert(metadata_definitions))
_CHANGING = ("value_type", "rules", "defaults", "updated_at")
_UPDATE = Statement(
    update(metadata_definitions).where(*_THIS).values({name: bindparam(name) for name in _CHANGING})
)
_DELETE = Statement(delete(metadata_definitions).where(*_THIS))
_SET_STRICT = Statement(
    update(platforms).where(platforms.c.id == bindparam("of_platform")).values(strict=bindparam("strict"))
)

Given = Mapping[str, Any]
"""What is said about a key, by the names of the inputs; what is left out or null is not said."""


class Defined(NamedTuple):
    """A definition that was checked, as it is to be stored."""

    key: str
    value_type: ValueType
    rules: str
    defaults: str


class DataBreaks(Rejected):
    """Documents break what was to be defined, and nobody has said to define it all the same."""

    def __init__(self, found: Found, what: str, field: tuple[str, ...]) -> None:
        number = "1 document breaks" if found.documents == 1 else f"{found.documents} documents break"
        examples = "; ".join(found.examples)
        message = (
            f"{number} {what}, such as that of {examples}. Nothing has changed. Mend them first, or say "
            "`force`: then they stay as they are until their values are next written."
        )
        super().__init__(Problem.DATA_BREAKS_DEFINITION, message, field)
        self.documents = found.documents


def checked(given: Given, limits: Limits) -> Defined:
    """What a caller says about a key, as it is to be stored. Raises Rejected."""
    check_key(given["key"], limits, ("key",))
    type_ = ValueType(given["value_type"])
    rules = check_rules(type_, {_RULES[name]: given.get(name) for name in _RULES}, limits)
    defaults: dict[str, Any] = {name: given.get(name) for name in DEFAULT_FLAGS}
    defaults |= {name: words(given.get(name), TEXTS[name], (name,)) for name in DEFAULT_TEXTS}
    said = {name: default for name, default in defaults.items() if default is not None}
    return Defined(given["key"], type_, rules, strict_json.dumps(said))


async def define(
    transaction: Connection,
    access: PlatformAccess,
    defined: Defined,
    *,
    force: bool,
    rules: Rules,
    now: int,
    seconds: float | None,
) -> tuple[StoredDefinition, int]:
    """Create or replace a definition; returns it, and how many documents break it.

    Raises DataBreaks, Rejected, or LimitExceeded where looking through the documents takes longer than it
    may; then nothing has changed.
    """
    existing = await _alone(transaction, access)
    before = existing.pop(defined.key, None)
    _check_room(existing, defined)
    row = StoredDefinition(
        access.platform_id,
        defined.key,
        defined.value_type.value,
        defined.rules,
        defined.defaults,
        before.created_at if before else now,
        now,
    )
    judge = _judging_values(access, row, rules, now)
    found = await survey(transaction, access, judge, key=row.key, seconds=seconds)
    if found.documents and not force:
        raise DataBreaks(found, "this definition", ("key",))
    if before is not None and before[:5] == row[:5]:
        return before, found.documents
    values = dict(zip(metadata_definitions.c.keys(), row, strict=True))
    if before is None:
        await transaction.execute(_INSERT, **values)
    else:
        changing = {name: values[name] for name in _CHANGING}
        await transaction.execute(_UPDATE, of_platform=access.platform_id, of_key=row.key, **changing)
    return row, found.documents


async def undefine(transaction: Connection, access: PlatformAccess, key: str) -> bool:
    """Remove a definition; values stay. Returns whether there was one."""
    if key not in await _alone(transaction, access):
        return False
    await transaction.execute(_DELETE, of_platform=access.platform_id, of_key=key)
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
    """Say which keys documents may have; returns how many have others. Raises as `define` does."""
    defined = await _alone(transaction, access)
    found = Found(0, [])
    if mode is MetadataMode.STRICT:
        found = await survey(transaction, access, _judging_keys(defined, now), seconds=seconds)
    if found.documents and not force:
        raise DataBreaks(found, "this mode", ("mode",))
    strict = mode is MetadataMode.STRICT
    await transaction.execute(_SET_STRICT, of_platform=access.platform_id, strict=strict)
    return found.documents


async def _alone(transaction: Connection, access: PlatformAccess) -> dict[str, StoredDefinition]:
    """Keep everybody from writing documents of the platform; returns its definitions by their keys."""
    access.verify()
    await transaction.lock([access.platform_id], exclusive=True)
    (rows,) = await definitions.stored_of_platforms(transaction, [access.platform_id])
    return {row.key: row for row in rows}


def _check_room(others: Mapping[str, StoredDefinition], defined: Defined) -> None:
    if len(others) >= MAX_DEFINITIONS:
        message = f"The platform has {len(others)} definitions; {MAX_DEFINITIONS} are allowed."
        raise Rejected(Problem.INVALID_DEFINITION, message, ("key",))
    size = sum(len(row.stored_rules) for row in others.values()) + len(defined.rules)
    if size > MAX_RULES:
        message = f"The rules of all definitions would take {size} characters; {MAX_RULES} are allowed."
        raise Rejected(Problem.INVALID_DEFINITION, message, ("schema",))


def _judging_values(access: PlatformAccess, row: StoredDefinition, rules: Rules, now: int) -> Judge:
    def judge(document: Document, content: Content) -> str | None:
        entry = content.get(row.key)
        if entry is None or entry.has_expired(now):
            return None
        text = plain(access, document.user_id, row.key, entry, rules.keys)
        return "it cannot be decrypted" if text is None else row.definition.fault(entry.type, text)

    return judge


def _judging_keys(defined: Mapping[str, StoredDefinition], now: int) -> Judge:
    def judge(_document: Document, content: Content) -> str | None:
        for key in content:
            if key not in defined and (entry := content.get(key)) and not entry.has_expired(now):
                return f"{key[:40]!r}"
        return None

    return judge
