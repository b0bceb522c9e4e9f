"""Evaluating keys for the documents that a request has read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gql_service.auth.access import USER_WIDE, UserFacts
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.documents.entries import Content
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.flags.evaluation import FLAGS, Evaluation, Perspective, Subject, evaluate
from gql_service.domain.tenants import Platform
from gql_service.services.context import Context

_EVALUATION_COST = 1024
"""Bytes that can be read in the time in which a key is evaluated."""
_KEYS_PER_TURN = 1000
"""After so many keys, other requests get their turn."""
_NOTHING = Content("{}", None, "{}", 0)


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
    definitions = await _definitions(context, {row.access.platform_id for row in rows})
    user_wide = await user_wide_contents(
        context,
        {
            row.user_id: row.tenant_id
            for row in rows
            if any(
                each.assignment.user_wide_fallback for each in definitions[row.access.platform_id].values()
            )
        },
    )
    only = None if request.keys is None else list(dict.fromkeys(request.keys))
    now = context.services.clock()
    results, count = list[list[Evaluation]](), 0
    for row, content in zip(rows, contents, strict=True):
        access, by_key = row.access, definitions[row.access.platform_id]
        evaluations = evaluate(
            Subject(row.user_id, row.tenant_id, access.platform_id, content, user_wide.get(row.user_id)),
            by_key,
            Perspective(access.is_admin, now, now if request.at is None else request.at),
            context.services.write_settings.keys,
            only=only,
            category=request.category,
        )
        size = len(by_key) + len(content) if only is None else len(only)
        context.stored_data.count(_EVALUATION_COST * size)
        results.append(sorted(evaluations))
        count += size
        if count > _KEYS_PER_TURN:
            count = 0
            await asyncio.sleep(0)
    return results


async def _definitions(context: Context, platform_ids: set[str]) -> dict[str, Mapping[str, StoredDefinition]]:
    """The definitions of platforms by their ids and keys. User-wide documents have none."""
    found: dict[str, Mapping[str, StoredDefinition]] = {USER_WIDE: {}}
    ids = sorted(platform_ids - {USER_WIDE})
    for id, rows in zip(ids, await context.services.loaders.definitions.load_many(ids), strict=True):
        found[id] = {row.key: row for row in rows}
    return found


async def user_wide_contents(context: Context, tenants_of_platforms: Mapping[str, str]) -> dict[str, Content]:
    """The user-wide documents of users, by user id, whose home tenant is that of the platform.

    The parameter has the tenants of the platforms by user id.
    """
    loaders, ids = context.services.loaders, list(tenants_of_platforms)
    if not ids:
        return {}
    users = await loaders.users.load_many(ids)
    at_home = [
        user.user_id
        for user in users
        if user is not None and user.tenant_id == tenants_of_platforms[user.user_id]
    ]
    documents = await loaders.documents_with_attributes.load_many([(id, USER_WIDE) for id in at_home])
    context.stored_data.count(sum(document.size for document in documents))
    return {document.user_id: document.content() for document in documents}


async def evaluate_flags(
    context: Context,
    platform: Platform,
    user: UserFacts | None,
    key: str,
    *,
    sees_all: bool,
    only: str | None,
) -> list[Evaluation]:
    """The feature flags of a platform for a user, in the order of their keys, or one of them.

    For those who are no users of the platform, `user` is None; variants go by `key`. Raises LimitExceeded.
    """
    by_key = (await _definitions(context, {platform.id}))[platform.id]
    content, user_wide = _NOTHING, dict[str, Content]()
    if user is not None:
        loader = context.services.loaders.documents_with_attributes
        document = await loader.load((user.user_id, platform.id))
        content = document.content()
        if any(each.assignment.user_wide_fallback for each in by_key.values()):
            user_wide = await user_wide_contents(context, {user.user_id: platform.tenant_id})
    user_id, now = key if user is None else user.user_id, context.services.clock()
    evaluations = evaluate(
        Subject(user_id, platform.tenant_id, platform.id, content, user_wide.get(user_id)),
        by_key,
        Perspective(sees_all, now, now),
        context.services.write_settings.keys,
        only=None if only is None else [only],
        category=FLAGS,
    )
    return sorted(evaluations)
