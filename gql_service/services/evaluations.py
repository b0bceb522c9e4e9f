"""Evaluating keys for the documents that a request has read."""

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from gql_service.auth.access import USER_WIDE, DocumentAccess, UserFacts
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.visibility import DocumentView, Viewer
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
    without_entries: bool = False
    """Whether to evaluate as if the caller had deleted what they may delete of the documents."""


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
        if request.without_entries:
            content = _left(Viewer(access, now), content, only)
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


def _left(viewer: Viewer, content: Content, only: Sequence[str] | None) -> Content:
    """The entries that the viewer may not delete, at least of some keys."""
    keys = content if only is None else set(only).intersection(content)
    entries = [(key, content.get(key)) for key in keys]
    return content.without(
        {key for key, each in entries if each and viewer.may_know_of(each) and viewer.may_change(each)}
    )


class Evaluated(NamedTuple):
    """Effective values in the order of their keys. They are the same from one instant until another one,
    exclusively, as long as what they were evaluated from does not change."""

    evaluations: list[Evaluation]
    since: int
    until: int


async def effective_values(context: Context, access: DocumentAccess) -> Evaluated:
    """The effective values for the user of a document on a platform. Raises LimitExceeded."""
    owner = (access.user_id, access.platform_id, access.tenant_id)
    subject, plan = await _read(context, *owner)
    context.stored_data.count(_EVALUATION_COST * (len(plan.by_key) + len(subject.content)))
    return _evaluate_now(context, subject, plan, sees_all=access.is_admin)


async def evaluate_flags(
    context: Context,
    platform: Platform,
    user: UserFacts | None,
    key: str,
    *,
    sees_all: bool,
    only: str | None,
    definitions: DefinitionVersion | None = None,
) -> Evaluated:
    """The feature flags of a platform for a user, or one of them.

    For those who are no users of the platform, `user` is None; variants go by `key`. `definitions` is their
    version, if it is known. Raises LimitExceeded.
    """
    if user is None:
        plan = await context.services.evaluation_plans.of_platform(platform.id, definitions)
        subject = Subject(key, platform.tenant_id, platform.id, _NOTHING)
    else:
        subject, plan = await _read(context, user.user_id, platform.id, platform.tenant_id, definitions)
    keys = None if only is None else [only]
    return _evaluate_now(context, subject, plan, sees_all=sees_all, only=keys, category=FLAGS)


async def _read(
    context: Context,
    user_id: str,
    platform_id: str,
    tenant_id: str,
    definitions: DefinitionVersion | None = None,
) -> tuple[Subject, PlatformPlan]:
    """What decides the values of a user on a platform of a tenant: documents and definitions."""
    services = context.services
    # Both reads share a turn of the event loop.
    reading = services.loaders.documents_with_attributes.load((user_id, platform_id))
    plan = await services.evaluation_plans.of_platform(platform_id, definitions)
    user_wide = await _user_wide_contents(context, [user_id] if plan.has_fallback else [])
    content = (await reading).content()
    return Subject(user_id, tenant_id, platform_id, content, user_wide.get((user_id, tenant_id))), plan


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


def _evaluate_now(
    context: Context,
    subject: Subject,
    plan: PlatformPlan,
    *,
    sees_all: bool,
    only: Collection[str] | None = None,
    category: str | None = None,
) -> Evaluated:
    services = context.services
    now, keys = services.clock(), services.write_settings.keys
    perspective = Perspective(sees_all, now, now)
    evaluations = evaluate(subject, plan, perspective, keys, only=only, category=category)
    contents = (subject.content, subject.user_wide or _NOTHING)
    return Evaluated(sorted(evaluations), now, min(each.next_boundary(now) for each in contents))
