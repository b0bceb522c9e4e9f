"""The stream behind `effectiveChanged`: evaluates the keys of the viewer again whenever their values may have
changed, and tells what has.

A value that stays for another reason is a change, too: pages show where a value comes from, and that a
kill switch is why it cannot be edited."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

import orjson

from gql_service.auth.access import USER_WIDE
from gql_service.auth.scopes import Scope
from gql_service.domain.flags.evaluation import Evaluation
from gql_service.errors import NotFound
from gql_service.services.context import Services
from gql_service.services.evaluations import Evaluated, effective_values
from gql_service.services.event_wakeups import Wakeup, definitions_topic, document_topic
from gql_service.services.subscribers import SubscriptionContext

_LONGEST_WAIT = 600.0
"""Seconds after which the clock is read again while the window of an entry is far away."""
_DIGEST_SIZE = 16


class EffectiveChange(NamedTuple):
    """The evaluations that differ from those that the subscriber knows."""

    changed_keys: Sequence[str]
    evaluations: Sequence[Evaluation]
    resync: bool
    version: str


async def effective_changes(
    context: SubscriptionContext, platform_key: str, since: str | None
) -> AsyncGenerator[EffectiveChange, None]:
    """What changes of the caller's effective values on a platform. It begins with all of them, unless `since`
    is the version of those of now.

    Raises what `Context.access` raises, also later, and LimitExceeded.
    """
    caller, services = context.caller, context.services
    services.policy.require_scope(caller.principal, Scope.EVENTS)
    access = await context.access(platform_key, None)
    platform_id, user_id = access.platform_id, access.user_id
    topics = [
        document_topic(user_id, platform_id),
        document_topic(user_id, USER_WIDE),
        definitions_topic(platform_id),
    ]
    known: Mapping[str, bytes] | None = None
    with services.wakeups.waiting(topics) as wakeup:
        while True:
            wakeup.clear()
            found = await effective_values(context, access)
            now_known = _digests(found.evaluations)
            version = _version(now_known)
            if known is None:
                if version != since:
                    yield EffectiveChange((), found.evaluations, True, version)
            elif changed := _differing(known, now_known):
                new = [each for each in found.evaluations if each.key in changed]
                yield EffectiveChange(sorted(changed), new, False, version)
            known = now_known
            await _wait(services, wakeup, found)
            await caller.refresh()
            context = caller.context()
            access = await context.access(platform_key, None)
            if access.platform_id != platform_id:  # the key was given to another platform
                raise NotFound("Platform not found")


async def _wait(services: Services, wakeup: Wakeup, found: Evaluated) -> None:
    """Wait until values may have changed, by a write or because the window of an entry begins or ends."""
    while (left := found.until - services.clock()) > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(left / 1000, _LONGEST_WAIT)):
                await wakeup.wait()
                return


def _digests(evaluations: Sequence[Evaluation]) -> dict[str, bytes]:
    """What is kept of the evaluations while the subscriber waits: values may be large."""
    return {each.key: _digest(each) for each in evaluations}


def _digest(evaluation: Evaluation) -> bytes:
    origin = orjson.dumps((evaluation.reason, evaluation.source, evaluation.variant))
    digest = blake2b(origin, digest_size=_DIGEST_SIZE)
    digest.update(b"" if evaluation.value is None else evaluation.value.encode())
    return digest.digest()


def _version(digests: Mapping[str, bytes]) -> str:
    version = blake2b(digest_size=_DIGEST_SIZE)
    for key in sorted(digests):
        version.update(b"%d:%b%b" % (len(key.encode()), key.encode(), digests[key]))
    return version.hexdigest()


def _differing(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
