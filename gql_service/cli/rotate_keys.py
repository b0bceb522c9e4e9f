"""The command that moves what is encrypted to the active key, while the service runs."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import typer
from rich.progress import MofNCompleteColumn

from gql_service.cli import runner as running
from gql_service.cli.transfer import progress
from gql_service.domain.maintenance import key_rotation as rotation
from gql_service.domain.maintenance.key_rotation import EncryptedDocument, RotationResult
from gql_service.services.context import Services
from gql_service.store.connection import Connection

_PAGE = 100


class _Summary(NamedTuple):
    """What was done, and what still hinders that old keys are removed."""

    entries: int
    digests: int
    failed: list[str]
    needed: Counter[str]


def rotate_keys() -> None:
    """Encrypt anew, with the active key, whatever is encrypted with another.

    First give all servers both keys, the new one as the active one, and
    restart them: GQL_SERVICE_ENCRYPTION_KEYS and GQL_SERVICE_ENCRYPTION_KEY.
    Then run this; the servers may go on meanwhile. It says when the old key
    may be removed from the servers.

    Run it again to go on, whatever has interrupted it: what is encrypted
    with the active key already is passed over. Revisions, instants and
    history stay as they are.

    What cannot be decrypted stays as it is and is listed. The exit code is 1
    while anything is encrypted with another key.
    """
    active, others = _keys()
    summary = running.on_migrated(_rotate)
    typer.echo(
        f"Encrypted {summary.entries} entries anew with the key {active}; "
        f"{summary.digests} digests were renewed."
    )
    for line in summary.failed:
        typer.echo(running.plain(line), err=True)
    for key, count in sorted(summary.needed.items()):
        typer.echo(running.plain(f"Still needed: the key {key}, with which {count} entries are encrypted."))
    if removable := [key for key in others if key not in summary.needed]:
        typer.echo(f"Not needed any more: {', '.join(removable)}.")
    if summary.needed and not summary.failed:
        typer.echo(f"Give all servers {active} as the active key, and run this again.", err=True)
    if summary.needed or summary.failed:
        raise typer.Exit(1)


def _keys() -> tuple[str, list[str]]:
    """The id of the active key, and those of the others."""
    settings = running.settings()
    if settings.active_key is None:
        running.fail("No encryption key is configured: set GQL_SERVICE_ENCRYPTION_KEYS.")
    return settings.active_key, [id for id in settings.encryption_keys if id != settings.active_key]


async def _rotate(services: Services) -> _Summary:
    database, keys = services.database, services.rules.keys
    entries = digests = 0
    failed = []
    async with database.read() as connection:
        total = await rotation.count(connection)
    with progress("Encrypting documents", total, MofNCompleteColumn()) as advance:
        async for holder in _holders(services):
            if any(True for _ in holder.encrypted()):
                moved = await database.write(_moving(holder, services))
                entries, digests = entries + moved.entries, digests + moved.digests
                failed += [_told(holder, key, why) for key, why in moved.failed.items()]
            advance(1)
    needed = Counter[str]()
    async for holder in _holders(services):
        needed.update(rotation.needed_keys(holder, keys))
    return _Summary(entries, digests, failed, needed)


async def _holders(services: Services) -> AsyncIterator[EncryptedDocument]:
    after = ("", "")
    while True:
        async with services.database.read() as connection:
            page = await rotation.encrypted_documents(connection, after, _PAGE)
        for holder in page:
            yield holder
        if len(page) < _PAGE:
            return
        after = (page[-1].user_id, page[-1].platform_id)


def _moving(
    holder: EncryptedDocument, services: Services
) -> Callable[[Connection], Awaitable[RotationResult]]:
    return lambda transaction: rotation.rotate_document(transaction, holder, services.rules.keys)


def _told(holder: EncryptedDocument, key: str, why: str) -> str:
    where = f"on {holder.platform_key}" if holder.platform_key else "on no platform"
    return f"{holder.username} {where}: {key!r} cannot be decrypted: {why}."
