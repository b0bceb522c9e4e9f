"""The commands that delete: `erase` (a user with all data) and `sweep` (expired data)."""

from collections.abc import Mapping
from typing import Annotated

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli.output import AsJson, count_of, print_result, printable
from gql_service.cli.parameters import Username
from gql_service.domain.events.pruning import prune
from gql_service.domain.maintenance import deletion, expiry, user_erasure
from gql_service.domain.maintenance.expiry import SweepResult
from gql_service.domain.maintenance.retention_walk import PruneResult, RetentionWalk
from gql_service.domain.maintenance.user_change_retention import UserChangeWalk
from gql_service.domain.maintenance.user_erasure import Rehearsal
from gql_service.domain.retention import DAY
from gql_service.domain.users import rows as users
from gql_service.domain.webhooks import deliveries
from gql_service.services.context import Services

_LABELS = {
    "documents": "documents",
    "document_changes": "changes of their history",
    "metadata_index": "entries of the search index",
    "metadata_index_parts": "parts of values in the search index",
    "idempotency_keys": "answers to writes",
    "earned_badges": "badges",
    "notifications": "notifications",
    "access_tokens": "tokens",
    "identities": "identities",
    "revocations": "revocations",
    "memberships": "memberships",
    "permission_holders": "permissions",
    "user_texts": "search texts",
    "user_changes": "changes of the user",
}


def erase(
    username: Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be deleted, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Permanently delete a user and all their data.

    This deletes their documents with history and search index, badges,
    notifications, tokens, and the answers stored for repeated writes. What
    they wrote in documents of others remains, without their name. Tokens that
    they issued for others are revoked.

    A request of the user that runs at the same time may still write to
    documents of others: revoke their tokens some seconds before. SQLite keeps
    deleted data in free pages of its file until VACUUM. Backups keep it, too.
    """

    async def find_user(services: Services) -> users.User:
        async with services.database.read() as connection:
            return await runner.user_by_username(connection, username)

    user = runner.run_on_migrated(find_user)
    username = user.username
    if not (yes or dry_run):
        question = f"Permanently delete {printable(username)} and all their data?"
        typer.confirm(question, abort=True, err=True)
    access = Policy().user_for_operator(user.user_id)
    try:
        erased = runner.write(lambda tx, now: user_erasure.erase(tx, access, now, dry_run=dry_run))
    except Rehearsal as rehearsal:
        erased = rehearsal.result
    own = {_LABELS.get(table, table): count for table, count in erased.rows.items()}
    others = {
        "documents": erased.documents,
        "changes of history": erased.changes,
        "answers to writes": erased.answers,
        "tokens revoked": erased.tokens,
        "changes of users": erased.user_changes,
    }
    document = {
        "username": username,
        "dryRun": dry_run,
        "deletedRows": {_camel_case(table): count for table, count in erased.rows.items()},
        "changedRowsOfOthers": {
            "documents": erased.documents,
            "documentChanges": erased.changes,
            "idempotencyKeys": erased.answers,
            "accessTokens": erased.tokens,
            "userChanges": erased.user_changes,
        },
    }
    message = (
        f"{'Would delete' if dry_run else 'Deleted'} {printable(username)}. Their data: {_counts(own)}.\n"
        f"Data of others that named them: {_counts(others)}."
    )
    print_result(message, document, as_json=as_json)


def sweep(as_json: AsJson = False) -> None:
    """Delete expired data, as servers do regularly.

    That is expired entries, and history, answers to repeated writes and events
    that are older than the settings and the platforms allow.
    """

    async def work(services: Services) -> tuple[SweepResult, PruneResult, int, int]:
        retention = services.write_settings.retention
        swept = await expiry.sweep(services.database, services.clock, retention)
        await deletion.purge(services.database)
        pruned = await RetentionWalk(services.database, retention, services.clock).whole()
        user_changes = await UserChangeWalk(services.database, retention, services.clock).whole()
        await deliveries.prune(services.database, services.clock())
        before = services.clock() - services.settings.event_max_age * DAY
        return swept, pruned, user_changes, await prune(services.database, before)

    swept, pruned, user_changes, events = runner.run_on_migrated(work)
    answers = swept.answers + pruned.answers
    entries = count_of(swept.entries, "expired entry", "expired entries")
    message = (
        f"Deleted {entries}, {count_of(answers, 'answer to a write', 'answers to writes')}, "
        f"{count_of(pruned.changes, 'change', 'changes')} of history, "
        f"{count_of(user_changes, 'change', 'changes')} of users "
        f"and {count_of(events, 'event', 'events')}."
    )
    document = {
        "documents": swept.documents,
        "entries": swept.entries,
        "answers": answers,
        "changes": pruned.changes,
        "userChanges": user_changes,
        "events": events,
    }
    print_result(message, document, as_json=as_json)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
