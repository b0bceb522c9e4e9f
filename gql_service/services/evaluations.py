"""Evaluating keys for the documents that a request has read."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from gql_service.auth.access import USER_WIDE, UserFacts
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.flags.evaluation import (
    FLAGS,
    Evaluation,
    Perspective,
    PlatformPlan,
    Subject,
    evaluate,
)
from gql_service.domain.flags.state import DefinitionVersion
from gql_service.domain.tenants import Platform
from gql_service.services.context import Context

_EVALUATION_COST = 1024
"""Bytes that can be read in the time in which a key is evaluated."""
_KEYS_PER_TURN = 1000
"""After so many keys, other requests get their turn."""
_NOTHING = Content("{}", None, "{}", 0)
_NO_KEYS = PlatformPlan([])


class EvaluationRequest(NamedTuple):
    """Which keys to evaluate, and for which instant."""

    keys: Sequence[str] | None = None
    category: str | None = None
    at: int | None = None
    """Now, if it is None."""


async def evaluate_documents(
    context: Context, rows: Sequence[DocumentView], request: EvaluationRequest
) -> list[list[Evaluation]]:
    """The effective values for the users of documents, in the order of the keys. Raises LimitExceeded."""
    contents = await context.stored_data.contents(rows)
    plans = {USER_WIDE: _NO_KEYS}
    platform_ids = {row.access.platform_id for row in rows} - {USER_WIDE}
    plans |= await context.services.evaluation_plans.of_platforms(platform_ids)
    fallback = {row.user_id for row in rows if plans[row.access.platform_id].has_fallback}
    user_wide = await _user_wide_contents(context, list(fallback))
    only = None if request.keys is None else list(dict.fromkeys(request.keys))
    now = context.services.clock()
    results, count = list[list[Evaluation]](), 0
    for row, content in zip(rows, contents, strict=True):
        access, plan = row.access, plans[row.access.platform_id]
        evaluations = evaluate(
            Subject(
                row.user_id,
                row.tenant_id,
                access.platform_id,
                content,
                user_wide.get((row.user_id, row.tenant_id)),
            ),
            plan,
            Perspective(access.is_admin, now, now if request.at is None else request.at),
            context.services.write_settings.keys,
            only=only,
            category=request.category,
        )
        size = len(plan.by_key) + len(content) if only is None else len(only)
        context.stored_data.count(_EVALUATION_COST * size)
        results.append(sorted(evaluations))
        count += size
        if count > _KEYS_PER_TURN:
            count = 0
            await asyncio.sleep(0)
    return results


class EffectiveValues(NamedTuple):
    """What a user gets on a platform, and until when that is certain."""

    evaluations: list[Evaluation]
    changes_at: int
    """When the window of an entry begins or ends next. `NEVER` if none does."""


async def effective_values(context: Context, row: DocumentView) -> EffectiveValues:
    """The effective values for the user of a document on a platform. Raises LimitExceeded."""
    access, services = row.access, context.services
    (content,) = await context.stored_data.contents([row])
    plan = await services.evaluation_plans.of_platform(access.platform_id)
    user_wide = await _user_wide_contents(context, [row.user_id] if plan.has_fallback else [])
    fallback = user_wide.get((row.user_id, row.tenant_id))
    context.stored_data.count(_EVALUATION_COST * (len(plan.by_key) + len(content)))
    now = services.clock()
    subject = Subject(row.user_id, row.tenant_id, access.platform_id, content, fallback)
    perspective = Perspective(access.is_admin, now, now)
    evaluations = evaluate(subject, plan, perspective, services.write_settings.keys)
    changes_at = min(each.next_boundary(now) for each in (content, fallback or _NOTHING))
    return EffectiveValues(sorted(evaluations), changes_at)


async def _user_wide_contents(context: Context, user_ids: Sequence[str]) -> dict[tuple[str, str], Content]:
    """The user-wide documents of users, by user id and home tenant: they count in that tenant only."""
    if not user_ids:
        return {}
    loaders = context.services.loaders
    users = await loaders.users.load_many(user_ids)
    homes = {user.user_id: user.tenant_id for user in users if user is not None}
    documents = await loaders.documents_with_attributes.load_many([(id, USER_WIDE) for id in homes])
    context.stored_data.count(sum(document.size for document in documents))
    return {(document.user_id, homes[document.user_id]): document.content() for document in documents}


class EvaluatedFlags(NamedTuple):
    """Flags in the order of their keys. They are the same from one instant until another one, exclusively,
    as long as what they were evaluated from does not change."""

    evaluations: list[Evaluation]
    since: int
    until: int


async def evaluate_flags(
    context: Context,
    platform: Platform,
    user: UserFacts | None,
    key: str,
    *,
    sees_all: bool,
    only: str | None,
    definitions: DefinitionVersion | None = None,
) -> EvaluatedFlags:
    """The feature flags of a platform for a user, or one of them.

    For those who are no users of the platform, `user` is None; variants go by `key`. `definitions` is their
    version, if it is known. Raises LimitExceeded.
    """
    services = context.services
    if user is None:
        plan = await services.evaluation_plans.of_platform(platform.id, definitions)
        subject = Subject(key, platform.tenant_id, platform.id, _NOTHING)
    else:
        # Both reads share a turn of the event loop.
        reading = services.loaders.documents_with_attributes.load((user.user_id, platform.id))
        plan = await services.evaluation_plans.of_platform(platform.id, definitions)
        user_wide = await _user_wide_contents(context, [user.user_id] if plan.has_fallback else [])
        subject = Subject(
            user.user_id,
            platform.tenant_id,
            platform.id,
            (await reading).content(),
            user_wide.get((user.user_id, platform.tenant_id)),
        )
    now = services.clock()
    evaluations = evaluate(
        subject,
        plan,
        Perspective(sees_all, now, now),
        services.write_settings.keys,
        only=None if only is None else [only],
        category=FLAGS,
    )
    contents = (subject.content, subject.user_wide or _NOTHING)
    return EvaluatedFlags(sorted(evaluations), now, min(each.next_boundary(now) for each in contents))
