"""The commands that delete: what has expired, and everything about a user."""

from collections.abc import Mapping
from typing import Annotated

import typer

from gql_service.cli import runner as running
from gql_service.domain.maintenance import expiry as sweeping
from gql_service.domain.maintenance import user_erasure as erasing
from gql_service.services.context import Services

_NAMES = {
    "documents": "documents",
    "document_changes": "changes of their history",
    "metadata_index": "entries of the search index",
    "idempotency_keys": "answers to writes",
    "earned_badges": "badges",
    "notifications": "notifications",
    "access_tokens": "tokens",
    "memberships": "memberships",
}


def erase(
    username: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
) -> None:
    """Remove a user and everything that is kept of them, for good.

    That is their documents with history and search index, badges,
    notifications, tokens, and answers kept for writes that are sent again.
    What they have written for others stays, but does not name them any more;
    tokens that they have made for others are revoked.

    A request of theirs that is being answered meanwhile may still write for
    others: revoke their tokens some seconds before. SQLite keeps what was
    deleted in free pages of its file until VACUUM, and so do backups.
    """

    async def known(services: Services) -> None:
        async with services.database.read() as connection:
            await running.user_named(connection, username)

    running.on_migrated(known)
    if not yes:
        typer.confirm(f"Remove {running.plain(username)} and everything of theirs for good?", abort=True)
    erased = running.write(lambda transaction, now: erasing.erase(transaction, username, now))
    removed = {_NAMES.get(table, table): count for table, count in erased.rows.items()}
    typer.echo(f"Removed {running.plain(username)}. Rows of theirs: {_counted(removed)}.")
    others = {
        "documents": erased.documents,
        "changes of history": erased.changes,
        "answers to writes": erased.answers,
        "tokens revoked": erased.tokens,
    }
    typer.echo(f"Of others, that named them: {_counted(others)}.")


def _counted(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))


def sweep() -> None:
    """Delete what has expired, as servers do every so often: entries, and answers kept for a day."""
    swept = running.on_migrated(lambda services: sweeping.sweep(services.database, services.clock))
    typer.echo(f"Deleted {swept.entries} expired entries and {swept.answers} answers to writes.")
