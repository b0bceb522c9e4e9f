"""Evaluating keys for a user: their own entry, else their user-wide entry, else a variant, else the default.

An entry decides only where its user could not have made it against the will of the admins: where users may
not edit a key, only entries count that they cannot edit either.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import orjson

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable

FLAGS = "feature_flags"
"""The category of keys that are feature flags."""


class Reason(StrEnum):
    """Why a key has its effective value."""

    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DEFAULT = "DEFAULT"
    DISABLED = "DISABLED"
    ERROR = "ERROR"


class Evaluation(NamedTuple):
    """The effective value of a key."""

    key: str
    value: str | None
    """The canonical JSON text; None if there is no entry, no variant and no default."""
    reason: Reason
    variant: str | None = None


class Subject(NamedTuple):
    """The user for whom keys are evaluated, on one platform."""

    user_id: str
    tenant_id: str
    """The tenant of the platform or, without a platform, of the user."""
    platform_id: str
    content: Content
    user_wide: Content | None = None
    """The user-wide document, where the platform belongs to the user's home tenant."""


class Perspective(NamedTuple):
    """Who asks, and for which instant."""

    sees_all: bool
    """Whether the values of hidden entries and of keys that are not `clientVisible` are included."""
    now: int
    at: int
    """Now or later."""

    def may_know_of(self, definition: StoredDefinition) -> bool:
        """Whether the effective value of a key may be told. A flag is told even if its entries are hidden."""
        if self.sees_all:
            return True
        return definition.assignment.client_visible and (
            is_flag(definition) or not definition.definition.is_hidden
        )

    def counts(self, entry: Entry, *, is_flag: bool) -> bool:
        """Whether an entry is valid, and may decide the value that is told."""
        if not entry.is_active(self.at):
            return False
        return self.sees_all or ((is_flag or entry.is_public) and entry.is_active(self.now))


def is_flag(definition: StoredDefinition) -> bool:
    """Whether a defined key is a feature flag."""
    return definition.defaults.get("category") == FLAGS


def evaluate(
    subject: Subject,
    definitions: Mapping[str, StoredDefinition],
    perspective: Perspective,
    keys: KeyRing,
    *,
    only: Collection[str] | None = None,
    category: str | None = None,
) -> Iterator[Evaluation]:
    """The effective values of the defined keys and of the other entries, in no order.

    `only` limits them to some keys, `category` to those whose definition (without one: whose entry) has it.
    """
    for key in definitions if only is None else only:
        definition = definitions.get(key)
        if definition is None or not perspective.may_know_of(definition):
            continue
        if category is None or definition.defaults.get("category") == category:
            yield _evaluate_defined(subject, definition, perspective, keys)
    for key in subject.content if only is None else only:
        if key not in definitions:
            yield from _evaluate_undefined(subject, key, perspective, keys, category)


def _evaluate_undefined(
    subject: Subject, key: str, perspective: Perspective, keys: KeyRing, category: str | None
) -> Iterator[Evaluation]:
    """The value of an entry that has no definition."""
    entry = subject.content.get(key)
    if entry is None or not perspective.counts(entry, is_flag=False):
        return
    if category is not None and entry.category != category:
        return
    text = _text(subject, subject.platform_id, key, entry, keys)
    reason = Reason.ERROR if text is None else Reason.TARGETING_MATCH
    yield Evaluation(key, text, reason)


def _evaluate_defined(
    subject: Subject, definition: StoredDefinition, perspective: Perspective, keys: KeyRing
) -> Evaluation:
    key, assignment = definition.key, definition.assignment
    if not assignment.enabled:
        return Evaluation(key, assignment.default, Reason.DISABLED)
    has_failed = False
    entry = _deciding_entry(subject.content, definition, perspective)
    if entry is not None:
        text = _valid_text(subject, subject.platform_id, definition, entry, keys)
        if text is not None:
            return Evaluation(key, text, Reason.TARGETING_MATCH)
        has_failed = True
    if assignment.user_wide_fallback and subject.user_wide is not None:
        entry = _deciding_entry(subject.user_wide, definition, perspective)
        if entry is not None:
            text = _valid_text(subject, USER_WIDE, definition, entry, keys)
            if text is not None:
                return Evaluation(key, text, Reason.TARGETING_MATCH)
    variant = assignment.variant_of(subject.platform_id, key, subject.user_id)
    if variant is not None:
        return Evaluation(key, variant.text, Reason.ERROR if has_failed else Reason.SPLIT, variant.name)
    return Evaluation(key, assignment.default, Reason.ERROR if has_failed else Reason.DEFAULT)


def _deciding_entry(content: Content, definition: StoredDefinition, perspective: Perspective) -> Entry | None:
    """The entry that decides the value of a key, if it is valid then."""
    entry = content.get(definition.key)
    if entry is None or not perspective.counts(entry, is_flag=is_flag(definition)):
        return None
    users_may_edit = definition.defaults.get("is_editable", True)
    return entry if users_may_edit or not entry.is_editable else None


def _valid_text(
    subject: Subject, platform_id: str, definition: StoredDefinition, entry: Entry, keys: KeyRing
) -> str | None:
    """The canonical text of an entry that satisfies the definition; None if it does not."""
    text = _text(subject, platform_id, definition.key, entry, keys)
    if text is None or definition.definition.violation(entry.type, text) is not None:
        return None
    return text


def _text(subject: Subject, platform_id: str, key: str, entry: Entry, keys: KeyRing) -> str | None:
    """The canonical text of a value; None if it cannot be decrypted."""
    if entry.text is not None:
        return entry.text
    context = CipherContext(subject.tenant_id, subject.user_id, platform_id, key)
    try:
        return keys.decrypt(context, entry.ciphertext or "")
    except Undecipherable:
        return None


def effective_object(evaluations: Iterable[Evaluation]) -> str:
    """The canonical text of the object of all values. Keys without a value are left out."""
    values = {each.key: orjson.Fragment(each.value) for each in evaluations if each.value is not None}
    return strict_json.dumps(values)
