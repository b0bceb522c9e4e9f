"""Notifications: listed, live, and marked as read; the bell counts the unread ones."""

from playwright.sync_api import WebSocket, expect

from tests.support.console import Console
from tests.support.world import World

AWARD = """mutation ($user: String!, $badge: String!) { checkBadge(input: {username: $user, badge: $badge}) {
  awarded } }"""
CATALOG = "{ badgeCatalog { name } }"


def test_notifications_appear_by_themselves_and_are_marked_as_read(console: Console, world: World) -> None:
    badges = [badge["name"] for badge in world.member.ask(CATALOG)["badgeCatalog"]]

    def award(badge: str) -> None:
        world.admin.ask(AWARD, user=world.member.username, badge=badge)

    console.open("/console/notifications")
    console.sign_in(world.member.token)
    console.shows("You have no notifications.")
    items = console.page.get_by_role("main").get_by_role("listitem")
    bell = console.page.get_by_role("banner").get_by_role("link")
    award(badges[0])
    sent: list[str | bytes] = []

    def note(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(frame))

    console.page.on("websocket", note)
    console.page.reload()
    console.sign_in(world.member.token)
    expect(items).to_have_count(1)
    expect(bell).to_have_accessible_name("Notifications, 1 unread")
    while not any("notificationReceived" in str(frame) for frame in sent):
        console.page.wait_for_timeout(50)  # lets the browser tell of its frames
    award(badges[1])
    expect(items).to_have_count(2)
    expect(bell).to_have_accessible_name("Notifications, 2 unread")

    items.first.get_by_role("button").click()
    expect(bell).to_have_accessible_name("Notifications, 1 unread")
    console.button("Mark all as read").click()
    expect(bell).to_have_accessible_name("Notifications")
    expect(console.button("Mark all as read")).to_be_disabled()
    unread = world.member.ask("{ me { unreadNotificationCount } }")
    assert unread == {"me": {"unreadNotificationCount": 0}}
    assert console.tab.complaints == []
