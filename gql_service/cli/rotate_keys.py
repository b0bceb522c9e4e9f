"""The command `rotate-keys`: encrypts all values with the active key, while servers run."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import typer
from rich.progress import MofNCompleteColumn

from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, count_of, print_result, printable
from gql_service.cli.transfer import progress
from gql_service.domain.maintenance import key_rotation as rotation
from gql_service.domain.maintenance.key_rotation import Holder, Moved, StoredAnswerRow
from gql_service.services.context import Services
from gql_service.store.connection import Connection

_PAGE = 100


class _Failure(NamedTuple):
    """An entry that cannot be decrypted."""

    username: str
    platform_key: str | None
    key: str
    reason: str

    def __str__(self) -> str:
        document = f"on {self.platform_key}" if self.platform_key else "on no platform"
        return f"{self.username} {document}: {self.key!r} cannot be decrypted: {self.reason}."

    def as_json(self) -> Json:
        return {
            "username": self.username,
            "platformKey": self.platform_key,
            "key": self.key,
            "reason": self.reason,
        }


class _Summary(NamedTuple):
    """Numbers of entries, search digests and entries in stored answers that now use the active key."""

    entries: int
    digests: int
    answers: int
    failures: list[_Failure]
    remaining: Counter[str]
    """Entries that are still encrypted with other keys, by key id."""


def rotate_keys(as_json: AsJson = False) -> None:
    """Re-encrypt all values with the active key.

    First configure both keys on all servers, with the new one as the active
    key, and restart them: see GQL_SERVICE_ENCRYPTION_KEYS and
    GQL_SERVICE_ENCRYPTION_KEY. Then run this command; servers may run at the
    same time. It reports when the old key can be removed.

    If it is interrupted, run it again: values that already use the active key
    are skipped. Revisions, timestamps and history do not change.

    Values that cannot be decrypted are reported and stay as they are. The
    exit code is 1 if any value is still encrypted with another key.
    """
    active, others = _key_ids()
    summary = runner.run_on_migrated(_rotate)
    removable = [id for id in others if id not in summary.remaining]
    lines = [
        f"Encrypted {count_of(summary.entries, 'entry', 'entries')} with the key {active}, "
        f"and {summary.answers} in stored answers; renewed {count_of(summary.digests, 'digest', 'digests')}."
    ]
    for id, count in sorted(summary.remaining.items()):
        entries = count_of(count, "entry is", "entries are")
        lines.append(printable(f"The key {id} is still needed: {entries} encrypted with it."))
    if removable:
        lines.append(f"No longer needed: {', '.join(removable)}.")
    document = {
        "activeKey": active,
        "entries": summary.entries,
        "answers": summary.answers,
        "digests": summary.digests,
        "failures": [failure.as_json() for failure in summary.failures],
        "remainingEntries": dict(sorted(summary.remaining.items())),
        "removableKeys": removable,
    }
    print_result("\n".join(lines), document, as_json=as_json)
    for failure in summary.failures:
        typer.echo(printable(str(failure)), err=True)
    if summary.remaining and not summary.failures:
        typer.echo(f"Make {active} the active key on all servers, and run this command again.", err=True)
    if summary.remaining or summary.failures:
        raise typer.Exit(1)


def _key_ids() -> tuple[str, list[str]]:
    """The id of the active key, and the ids of the others. Ends the command if there is no key."""
    settings = runner.settings()
    if settings.active_key is None:
        runner.exit_with_error("No encryption key is configured: set GQL_SERVICE_ENCRYPTION_KEYS.")
    return settings.active_key, [id for id in settings.encryption_keys if id != settings.active_key]


async def _rotate(services: Services) -> _Summary:
    database, keys = services.database, services.rules.keys
    entries = digests = answers = 0
    failures: list[_Failure] = []
    async with database.read() as connection:
        total = await rotation.count(connection)
    with progress("Encrypting documents", total, MofNCompleteColumn()) as advance:
        async for holder in _holders(services):
            if any(True for _ in holder.encrypted()):
                moved = await database.write(_moving(holder, services))
                entries, digests = entries + moved.entries, digests + moved.digests
                failures += [
                    _Failure(holder.username, holder.platform_key, key, reason)
                    for key, reason in moved.failed.items()
                ]
            advance(1)
    async for answer in _answers(services):
        if rotation.needed([answer], keys, services.clock()):
            answers += await database.write(_moving_answer(answer, services))
    remaining = Counter[str]()
    async for holder in _holders(services):
        remaining.update(rotation.needed([holder], keys, services.clock()))
    async for answer in _answers(services):
        remaining.update(rotation.needed([answer], keys, services.clock()))
    return _Summary(entries, digests, answers, failures, remaining)


async def _holders(services: Services) -> AsyncIterator[Holder]:
    after = ("", "")
    while True:
        async with services.database.read() as connection:
            page = await rotation.holders(connection, after, _PAGE)
        for holder in page:
            yield holder
        if len(page) < _PAGE:
            return
        after = (page[-1].user_id, page[-1].platform_id)


async def _answers(services: Services) -> AsyncIterator[StoredAnswerRow]:
    after = ("", "", "")
    while True:
        async with services.database.read() as connection:
            page = await rotation.answers(connection, after, _PAGE)
        for answer in page:
            yield answer
        if len(page) < _PAGE:
            return
        after = (page[-1].user_id, page[-1].platform_id, page[-1].key)


def _moving(holder: Holder, services: Services) -> Callable[[Connection], Awaitable[Moved]]:
    return lambda transaction: rotation.move_document(transaction, holder, services.rules.keys)


def _moving_answer(answer: StoredAnswerRow, services: Services) -> Callable[[Connection], Awaitable[int]]:
    return lambda transaction: rotation.move_answer(transaction, answer, services.rules.keys)
