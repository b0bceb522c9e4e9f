"""The command `rotate-keys`: encrypts all values with the active key, while servers run."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import typer
from rich.progress import MofNCompleteColumn

from gql_service.cli import runner
from gql_service.cli.output import (
    AsJson,
    Json,
    count_of,
    exit_with_error,
    print_remark,
    print_result,
    printable,
)
from gql_service.cli.transfer import progress
from gql_service.domain.maintenance import key_rotation
from gql_service.domain.maintenance.key_rotation import EncryptedDocument, RotationResult
from gql_service.domain.webhooks.secret_rotation import rotate_secrets
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.services.context import Services
from gql_service.store.connection import Connection


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
    """Numbers of entries and search digests that now use the active key."""

    entries: int
    digests: int
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

    The secrets of webhooks are re-encrypted, too, and count as entries.

    Values that cannot be decrypted are reported and stay as they are. The
    exit code is 1 if any value is still encrypted with another key.
    """
    active, others = _key_ids()
    summary = runner.run_on_migrated(_rotate)
    removable = [id for id in others if id not in summary.remaining]
    lines = [
        f"Encrypted {count_of(summary.entries, 'entry', 'entries')} with the key {active}; "
        f"renewed {count_of(summary.digests, 'digest', 'digests')}."
    ]
    for id, count in sorted(summary.remaining.items()):
        entries = count_of(count, "entry is", "entries are")
        lines.append(printable(f"The key {id} is still needed: {entries} encrypted with it."))
    if removable:
        lines.append(f"No longer needed: {', '.join(removable)}.")
    document = {
        "activeKey": active,
        "entries": summary.entries,
        "digests": summary.digests,
        "failures": [failure.as_json() for failure in summary.failures],
        "remainingEntries": dict(sorted(summary.remaining.items())),
        "removableKeys": removable,
    }
    print_result("\n".join(lines), document, as_json=as_json)
    for failure in summary.failures:
        print_remark(printable(str(failure)))
    if summary.remaining and not summary.failures:
        print_remark(f"Make {active} the active key on all servers, and run this command again.")
    if summary.remaining or summary.failures:
        raise typer.Exit(1)


def _key_ids() -> tuple[str, list[str]]:
    """The id of the active key, and the ids of the others. Ends the command if there is no key."""
    settings = runner.settings()
    if settings.active_key is None:
        exit_with_error("No encryption key is configured: set GQL_SERVICE_ENCRYPTION_KEYS.")
    return settings.active_key, [id for id in settings.encryption_keys if id != settings.active_key]


async def _rotate(services: Services) -> _Summary:
    database, keys = services.database, services.write_settings.keys
    entries = digests = 0
    failures: list[_Failure] = []
    async with database.read() as connection:
        total = await key_rotation.count(connection)
    with progress("Encrypting documents", total, MofNCompleteColumn()) as advance:
        async for document in key_rotation.all_encrypted_documents(database):
            if any(True for _ in document.encrypted()):
                result = await database.write(_rotation_of(document, services))
                entries, digests = entries + result.entries, digests + result.digests
                failures += [
                    _Failure(document.username, document.platform_key, key, reason)
                    for key, reason in result.failed.items()
                ]
            advance(1)
    secrets, remaining = await database.write(lambda transaction: rotate_secrets(transaction, keys))
    entries += secrets
    async for document in key_rotation.all_encrypted_documents(database):
        remaining.update(key_rotation.needed_keys(document, keys))
    runner.log_events(services, [SecurityEvent(EventKind.KEYS_ROTATED, number=entries)])
    return _Summary(entries, digests, failures, remaining)


def _rotation_of(
    document: EncryptedDocument, services: Services
) -> Callable[[Connection], Awaitable[RotationResult]]:
    return lambda transaction: key_rotation.rotate_document(
        transaction, document, services.write_settings.keys
    )
