"""The stream of a user's own notifications."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from gql_service.domain.events.pruning import prune
from tests.access.test_scopes import limited
from tests.support.live import NOTIFICATION_RECEIVED, START, Socket, stream, subscriber
from tests.support.service import Service, serving
from tests.support.users import notify, write
from tests.support.world import Caller, World


def next_one(opened: Socket) -> tuple[str, str]:
    """The cursor and the title of the next notification."""
    received = opened.next()["notificationReceived"]
    return received["cursor"], received["notification"]["title"]


def test_a_badge_is_told_at_once(world: World) -> None:
    user = world.new_user()
    with (
        subscriber(world.service.url, user.token) as opened,
        subscriber(world.service.url, world.admin.token) as admin,
        stream(world.service.client, user.token, NOTIFICATION_RECEIVED, after=START) as events,
    ):
        opened.subscribe(NOTIFICATION_RECEIVED, after=START)
        admin.subscribe(NOTIFICATION_RECEIVED)
        write(world.admin, "checkBadge", {"username": user.username, "badge": "projectCreated"})
        received = opened.next()
        assert received == events.next()
        found = user.ask("{ me { notifications(first: 1) { nodes { id title readAt } } } }")
        assert received["notificationReceived"]["notification"] == found["me"]["notifications"]["nodes"][0]
        notify(world, world.admin, "for the admin")
        assert next_one(admin)[1] == "for the admin", "each gets their own only"


def test_a_subscriber_who_comes_back_misses_none(world: World) -> None:
    user, now = world.new_user(), world.service.services.clock()
    notify(world, user, "a", "b", now=now)
    with subscriber(world.service.url, user.token) as opened:
        opened.subscribe(NOTIFICATION_RECEIVED, after=START)
        first, _ = next_one(opened)
    notify(world, user, "c", now=now - 1000)  # a clock that is behind
    notify(world, user, "d", now=now - 1000)
    with subscriber(world.service.url, user.token) as opened:
        opened.subscribe(NOTIFICATION_RECEIVED, after=first)
        found = [next_one(opened) for _ in range(3)]
        assert [title for _, title in found] == ["b", "c", "d"]
        write(user, "markNotificationsRead", {})
        notify(world, user, "e")
        assert next_one(opened)[1] == "e", "reading them is no new notification"


def test_many_writers(world: World) -> None:
    user, writers, each = world.new_user(), 8, 10
    barrier = Barrier(writers)

    def notify_often(number: int) -> None:
        barrier.wait()
        for index in range(each):
            notify(world, user, f"{number}-{index}")

    with subscriber(world.service.url, user.token) as opened, ThreadPoolExecutor(writers) as pool:
        opened.subscribe(NOTIFICATION_RECEIVED, after=START)
        done = [pool.submit(notify_often, number) for number in range(writers)]
        found = [next_one(opened)[1] for _ in range(writers * each)]
        for future in done:
            future.result()
    assert sorted(found) == sorted(f"{number}-{index}" for number in range(writers) for index in range(each))


def refusal(service: Service, caller: Caller, after: str | None) -> str:
    with subscriber(service.url, caller.token) as opened:
        opened.subscribe(NOTIFICATION_RECEIVED, after=after)
        (code,) = opened.errors()
        return str(code)


def test_what_is_refused(world: World) -> None:
    user = world.new_user()
    assert refusal(world.service, limited(user, {"READ", "WRITE"}), START) == "FORBIDDEN"
    assert refusal(world.service, user, "bm9uZQ==") == "BAD_USER_INPUT"


def test_a_cursor_before_deleted_events(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world, services = World(service), service.services
        user = world.new_user()
        with subscriber(service.url, user.token) as opened:
            opened.subscribe(NOTIFICATION_RECEIVED, after=START)
            notify(world, user, "old")
            next_one(opened)
            assert service.run(lambda: prune(services.database, services.clock() + 60_000))
            assert refusal(service, user, START) == "EVENTS_DELETED"
            notify(world, user, "new")
            assert next_one(opened)[1] == "new", "who was there has missed nothing"
