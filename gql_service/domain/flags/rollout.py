"""What other weights of variants would mean for the members of a platform's tenant."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE, PlatformAccess
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.assignment import Assignment
from gql_service.domain.definitions.buckets import BUCKETS
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.flags.evaluation import Perspective, PlatformPlan, Reason, Subject, evaluate
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import BadUserInput, LimitExceeded
from gql_service.store.connection import Connection, Row, rows_as
from gql_service.store.sql_functions import any_of, contains_text
from gql_service.store.statement import Statement
from gql_service.store.tables import documents, memberships, users

_PAGE = 500
"""Members per statement."""
_MEMBERS = Statement(
    select(memberships.c.user_id, users.c.tenant_id)
    .join(users, users.c.id == memberships.c.user_id)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id > bindparam("after"))
    .order_by(memberships.c.user_id)
    .limit(bindparam("size")),
    scans=True,
)
_DOCUMENTS = Statement(
    select(*(documents.c[name] for name in MetadataDocument._fields)).where(
        any_of(documents.c.user_id, "user_ids"),
        any_of(documents.c.platform_id, "platform_ids"),
        contains_text(documents.c.metadata, "text") | contains_text(documents.c.conditions, "text"),
    ),
    scans=True,
)
_EMPTY = Content("{}", None, "{}", 0)


class VariantCount(NamedTuple):
    """How many members are in a variant, of those whose value no entry decides."""

    name: str | None
    """None stands for the default."""
    weight: int
    members: int
    members_now: int


class RolloutPreview(NamedTuple):
    """What other weights would mean."""

    members: int
    overrides: int
    """Members whose value their own entries decide, whatever the weights are."""
    moved: int
    """Members whose variant would be another one than now."""
    variants: list[VariantCount]


async def preview_rollout(
    connection: Connection,
    access: PlatformAccess,
    key: str,
    weights: Mapping[str, int],
    salt: str | None,
    *,
    keys: KeyRing,
    now: int,
    seconds: float | None,
) -> RolloutPreview | None:
    """Count the members by variant, with these weights and now. None if the key is not defined.

    Raises BadUserInput, Rejected, or LimitExceeded if that takes longer than `seconds`.
    """
    access.verify()
    (rows,) = await definitions.stored_of_platforms(connection, [access.platform_id])
    definition = next((row for row in rows if row.key == key), None)
    if definition is None:
        return None
    before = definition.assignment._replace(enabled=True)
    after = _with_weights(before, weights, salt)
    counted = _Count(definition, before, after)
    deadline = None if seconds is None else time.monotonic() + seconds
    last = ""
    while members := await connection.fetch(_MEMBERS, of_tenant=access.tenant_id, after=last, size=_PAGE):
        await _count(connection, access, members, counted, keys, now)
        last = members[-1][0]
        if deadline is not None and time.monotonic() > deadline:
            raise LimitExceeded(
                "The platform has too many members to count within a request. Use the command line instead: "
                "gql-service definition preview."
            )
        await asyncio.sleep(0)
    return counted.preview()


def _with_weights(before: Assignment, weights: Mapping[str, int], salt: str | None) -> Assignment:
    """The assignment with other weights; variants that are not named keep theirs. Raises Rejected."""
    if unknown := weights.keys() - {each.name for each in before.variants}:
        raise BadUserInput(f"The key has no variant {min(unknown)!r:.100}.")
    variants = tuple(each._replace(weight=weights.get(each.name, each.weight)) for each in before.variants)
    total = sum(each.weight for each in variants)
    if any(each.weight < 0 for each in variants) or total > BUCKETS:
        message = f"Weights are 0 or more, and add up to at most {BUCKETS}; these add up to {total}."
        raise invalid_definition(message, ("variants",))
    changed = before._replace(variants=variants, salt=before.salt if salt is None else salt)
    return changed.with_ranges(before)


class _Count:
    """What was counted so far."""

    def __init__(self, definition: StoredDefinition, before: Assignment, after: Assignment) -> None:
        self.before, self.after = before, after
        self.definition = definition
        self.plan = PlatformPlan([definition._replace(stored_assignment=before.encode())])
        self.members = self.overrides = self.moved = 0
        self.now, self.then = Counter[str | None](), Counter[str | None]()

    def add(self, platform_id: str, user_id: str) -> None:
        """Count a member whose value no entry decides."""
        names = []
        for assignment, counter in ((self.before, self.now), (self.after, self.then)):
            variant = assignment.variant_of(platform_id, self.definition.key, user_id)
            names.append(None if variant is None else variant.name)
            counter[names[-1]] += 1
        self.moved += names[0] != names[1]

    def preview(self) -> RolloutPreview:
        rest = BUCKETS - sum(each.weight for each in self.after.variants)
        shares: dict[str | None, int] = {None: rest}
        shares |= {each.name: each.weight for each in self.after.variants}
        counts = [
            VariantCount(name, share, self.then[name], self.now[name]) for name, share in shares.items()
        ]
        return RolloutPreview(self.members, self.overrides, self.moved, counts)


async def _count(
    connection: Connection,
    access: PlatformAccess,
    members: Sequence[Row],
    counted: _Count,
    keys: KeyRing,
    now: int,
) -> None:
    """Count a page of members: their ids and home tenants."""
    definition = counted.definition
    platform_ids = {access.platform_id}
    if definition.assignment.user_wide_fallback:
        platform_ids.add(USER_WIDE)
    found = await connection.fetch(
        _DOCUMENTS,
        user_ids=[id for id, _ in members],
        platform_ids=platform_ids,
        text=f"{strict_json.dumps(definition.key)}:",
    )
    contents = {document.key: document.content() for document in rows_as(MetadataDocument, found)}
    for user_id, home in members:
        counted.members += 1
        own = contents.get((user_id, access.platform_id))
        wide = contents.get((user_id, USER_WIDE)) if home == access.tenant_id else None
        if own is not None or wide is not None:
            subject = Subject(user_id, access.tenant_id, access.platform_id, own or _EMPTY, wide)
            perspective = Perspective(True, now, now)
            (evaluation,) = evaluate(subject, counted.plan, perspective, keys, only=[definition.key])
            if evaluation.reason is Reason.TARGETING_MATCH:
                counted.overrides += 1
                continue
        counted.add(access.platform_id, user_id)
