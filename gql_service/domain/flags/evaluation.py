"""Evaluating keys for a user: their own entry, else their user-wide entry, else a variant, else the default.

An entry decides only where its user could not have made it against the will of the admins: where users may
not edit a key, only entries count that they cannot edit either.
"""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

import orjson

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain.definitions.assignment import Assignment
from gql_service.domain.definitions.definitions import Definition, StoredDefinition
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


# Looking up a member of an enum takes as long as half of an evaluation.
_TARGETING_MATCH, _SPLIT, _DEFAULT = Reason.TARGETING_MATCH, Reason.SPLIT, Reason.DEFAULT
_DISABLED, _ERROR = Reason.DISABLED, Reason.ERROR


class Source(StrEnum):
    """Where an effective value comes from."""

    ENTRY = "ENTRY"
    USER_WIDE_ENTRY = "USER_WIDE_ENTRY"
    VARIANT = "VARIANT"
    DEFAULT = "DEFAULT"


class Evaluation(NamedTuple):
    """The effective value of a key."""

    key: str
    value: str | None
    """The canonical JSON text; None if there is no entry, no variant and no default."""
    reason: Reason
    variant: str | None = None
    is_user_wide: bool = False
    """Whether the value is that of the user-wide entry."""

    @property
    def source(self) -> Source | None:
        """None if there is no value."""
        if self.value is None:
            return None
        if self.variant is not None:
            return Source.VARIANT
        if self.reason is not _TARGETING_MATCH:
            return Source.DEFAULT
        return Source.USER_WIDE_ENTRY if self.is_user_wide else Source.ENTRY


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

    def counts(self, entry: Entry, *, is_flag: bool) -> bool:
        """Whether an entry is valid, and may decide the value that is told."""
        if not entry.is_active(self.at):
            return False
        return self.sees_all or ((is_flag or entry.is_public) and entry.is_active(self.now))


class KeyPlan(NamedTuple):
    """What evaluating a defined key needs to know of its definition."""

    key: str
    definition: Definition
    assignment: Assignment
    category: str | None
    is_told: bool
    """Whether others than admins may know the effective value. A flag is told even if its entries are
    hidden."""
    users_may_edit: bool

    @staticmethod
    def of(row: StoredDefinition) -> "KeyPlan":
        definition, assignment = row.definition, row.assignment
        category = definition.defaults.get("category")
        is_told = assignment.client_visible and (category == FLAGS or not definition.is_hidden)
        users_may_edit = definition.defaults.get("is_editable", True)
        return KeyPlan(row.key, definition, assignment, category, is_told, users_may_edit)


class PlatformPlan:
    """The defined keys of a platform, prepared for evaluation."""

    def __init__(self, rows: Iterable[StoredDefinition]) -> None:
        self.by_key = {row.key: KeyPlan.of(row) for row in rows}
        self.flags = [each for each in self.by_key.values() if each.category == FLAGS]
        self.has_fallback = any(each.assignment.user_wide_fallback for each in self.by_key.values())

    def of_category(self, category: str | None) -> Iterable[KeyPlan]:
        """The keys of a category, or all."""
        if category == FLAGS:
            return self.flags
        plans = self.by_key.values()
        return plans if category is None else [each for each in plans if each.category == category]


def evaluate(
    subject: Subject,
    platform: PlatformPlan,
    perspective: Perspective,
    keys: KeyRing,
    *,
    only: Collection[str] | None = None,
    category: str | None = None,
) -> Iterator[Evaluation]:
    """The effective values of the defined keys and of the other entries, in no order.

    `only` limits them to some keys, `category` to those whose definition (without one: whose entry) has it.
    """
    by_key, sees_all = platform.by_key, perspective.sees_all
    for plan in platform.of_category(category):
        if (plan.is_told or sees_all) and (only is None or plan.key in only):
            yield _evaluate_defined(subject, plan, perspective, keys)
    others: Iterable[str] | None = only
    if others is None:
        others = subject.content if category is None else subject.content.in_category(category)
    for key in others:
        if key not in by_key:
            yield from _evaluate_undefined(subject, key, perspective, keys, category)


def _evaluate_undefined(
    subject: Subject, key: str, perspective: Perspective, keys: KeyRing, category: str | None
) -> Iterator[Evaluation]:
    """The value of an entry that has no definition."""
    entry = subject.content.get(key) if key in subject.content else None
    if entry is None or not perspective.counts(entry, is_flag=False):
        return
    if category is not None and entry.category != category:
        return
    text = _text(subject, subject.platform_id, key, entry, keys)
    reason = Reason.ERROR if text is None else Reason.TARGETING_MATCH
    yield Evaluation(key, text, reason)


def _evaluate_defined(subject: Subject, plan: KeyPlan, perspective: Perspective, keys: KeyRing) -> Evaluation:
    key, assignment = plan.key, plan.assignment
    if not assignment.enabled:
        return Evaluation(key, assignment.default, _DISABLED)
    has_failed = False
    entry = _deciding_entry(subject.content, plan, perspective)
    if entry is not None:
        text = _valid_text(subject, subject.platform_id, plan, entry, keys)
        if text is not None:
            return Evaluation(key, text, _TARGETING_MATCH)
        has_failed = True
    if assignment.user_wide_fallback and subject.user_wide is not None:
        entry = _deciding_entry(subject.user_wide, plan, perspective)
        if entry is not None:
            text = _valid_text(subject, USER_WIDE, plan, entry, keys)
            if text is not None:
                return Evaluation(key, text, _TARGETING_MATCH, is_user_wide=True)
    variant = assignment.variant_of(subject.platform_id, key, subject.user_id)
    if variant is not None:
        return Evaluation(key, variant.text, _ERROR if has_failed else _SPLIT, variant.name)
    return Evaluation(key, assignment.default, _ERROR if has_failed else _DEFAULT)


def _deciding_entry(content: Content, plan: KeyPlan, perspective: Perspective) -> Entry | None:
    """The entry that decides the value of a key, if it is valid then."""
    entry = content.get(plan.key) if plan.key in content else None
    if entry is None or not perspective.counts(entry, is_flag=plan.category == FLAGS):
        return None
    return entry if plan.users_may_edit or not entry.is_editable else None


def _valid_text(subject: Subject, platform_id: str, plan: KeyPlan, entry: Entry, keys: KeyRing) -> str | None:
    """The canonical text of an entry that satisfies the definition; None if it does not."""
    text = _text(subject, platform_id, plan.key, entry, keys)
    if text is None or plan.definition.violation(entry.type, text) is not None:
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
