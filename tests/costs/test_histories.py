"""The cost of a page of history, of notifications, and of the past does not grow with all that there is."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.history import changes, point_in_time
from gql_service.domain.pagination import PageRequest
from gql_service.domain.users import notifications
from gql_service.store import tables
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from tests.support.rows_read import analyze, assert_reads_no_more, forget_statistics
from tests.support.stored import platform_id
from tests.support.world import Caller, World

FEW, MANY = 60, 3_000
STARTED = 1_700_000_000_000
MINUTE = 60_000


def fill(world: World, table: Any, rows: list[dict[str, Any]]) -> None:
    world.service.write(lambda transaction: transaction.execute_many(Statement(insert(table)), rows))


def user_with_history(world: World, revisions: int, *, windows: bool = False) -> Caller:
    """A user whose document was changed every minute. With `windows`, each value was to end after an hour."""
    user, platform = world.new_user(), platform_id(world)
    document = dict.fromkeys(tables.documents.c.keys()) | {
        "user_id": user.id,
        "platform_id": platform,
        "metadata": "{}",
        "attributes": "{}",
        "revision": revisions,
        "created_at": STARTED,
        "updated_at": STARTED + revisions * MINUTE,
    }
    fill(world, tables.documents, [document])
    rows = []
    for number in range(1, revisions + 1):
        at = STARTED + number * MINUTE
        end = f',"validUntil":{at + 60 * MINUTE}' if windows else ""
        rows.append(
            {
                "user_id": user.id,
                "platform_id": platform,
                "revision": number,
                "actor_id": user.id,
                "changed_at": at,
                "source": "rest",
                "changes": f'{{"k{number}":{{"new":{{"createdAt":{at}{end},"value":1}}}}}}',
                "window_end": at + 60 * MINUTE if windows else None,
            }
        )
    fill(world, tables.document_changes, rows)
    return user


def assert_grows_little(world: World, what: str, reads: Sequence[Callable[[Connection], Any]]) -> None:
    """Compare two functions that read the same number of things, the second one from many more.

    It must not matter what PostgreSQL knows of how many rows each user has.
    """
    url = world.service.settings.database_url
    for prepare in (analyze, forget_statistics):
        prepare(url)
        assert_reads_no_more(url, f"{what} ({prepare.__name__})", *reads)


PAGES = {
    "the newest": PageRequest(20, False, None, None),
    "the oldest": PageRequest(20, True, None, None),
    "after": PageRequest(20, False, "40", None),
    "before": PageRequest(20, True, None, "5"),
    "between": PageRequest(20, False, "40", "3"),
}


def test_a_page_of_history_costs_what_it_has(world: World) -> None:
    sizes = FEW, MANY, FEW
    few, many, other = ((user_with_history(world, size).id, platform_id(world)) for size in sizes)
    for page, request in PAGES.items():
        for documents in ([few], [many]), ([few, other], [many, other]):
            reads = [partial(changes.pages, documents=each, request=request) for each in documents]
            assert_grows_little(world, page, reads)
    baselines = [partial(changes.pruned_until, documents=[each]) for each in (few, many)]
    assert_grows_little(world, "prunedUntil", baselines)


def test_a_page_of_notifications_costs_what_it_has(world: World) -> None:
    few, many, other = (world.new_user() for _ in range(3))
    for user, size in ((few, FEW), (many, MANY), (other, FEW)):
        fixed = {"user_id": user.id, "kind": "badge", "title": "t", "body": "b", "created_at": STARTED}
        rows = [fixed | {"id": f"{number:06}", "read_at": None} for number in range(size)]
        fill(world, tables.notifications, rows)
    for page, request in PAGES.items():
        after, before = (each and each.zfill(6) for each in (request.before, request.after))
        wanted = PageRequest(request.size, request.backwards, after, before)
        for users in ([few], [many]), ([few, other], [many, other]):
            ids = [[user.id for user in each] for each in users]
            reads = [partial(notifications.pages_of_users, user_ids=each, request=wanted) for each in ids]
            assert_grows_little(world, page, reads)


@pytest.mark.parametrize("windows", [False, True])
def test_the_past_costs_what_has_changed_since(world: World, windows: bool) -> None:
    back = 30

    async def past(connection: Connection, key: DocumentKey, at: int) -> None:
        (found,) = await point_in_time.to_instant(connection, [key], at, 2**30)
        assert isinstance(found, point_in_time.Past)
        assert (len(found.recorded), len(found.expired)) == (back, 60 if windows else 0)

    reads = []
    for size in (100, MANY):
        key = user_with_history(world, size, windows=windows).id, platform_id(world)
        reads.append(partial(past, key=key, at=STARTED + (size - back) * MINUTE + 1))
    assert_grows_little(world, "asOf", reads)


def test_a_restore_costs_what_has_changed_since(world: World) -> None:
    back = 30

    async def past(connection: Connection, key: DocumentKey, revision: int) -> None:
        found = await point_in_time.to_revision(connection, key, revision, lambda _: None)
        assert found is not None
        assert len(found.recorded) == back

    sizes = (100, MANY)
    keys = [(user_with_history(world, size).id, platform_id(world)) for size in sizes]
    reads = [partial(past, key=key, revision=size - back) for key, size in zip(keys, sizes, strict=True)]
    assert_grows_little(world, "restore", reads)
