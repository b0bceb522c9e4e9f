"""Badges: a test for each row of `EarnedBadge`, each badge name, and each rule of awarding and viewing."""

from typing import Any

import pytest
from sqlalchemy import text

from gql_service.store import tables
from tests.support.service import Service
from tests.support.users import ask, codes, guest, run_sql, send, store, unchanged, verdict, write
from tests.support.world import Caller, World

NAMES = [
    "projectCreated",
    "firstActionCreated",
    "firstProjectMemberInvite",
    "firstDataTypeCreated",
    "firstApplicationCreated",
]
AWARDED = "awarded earnedBadge { name earnedAt } user { userId badges { name earnedAt } }"


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def award(world: World, user: Caller, badge: str = NAMES[0], *, by: Caller | None = None) -> Any:
    return write(by or world.admin, "checkBadge", {"username": user.username, "badge": badge}, AWARDED)


def badges(viewer: Caller, user: Caller) -> Any:
    return ask(viewer, user, "badges { name earnedAt badge { name title } }")["badges"]


def notified(user: Caller) -> list[str]:
    query = "{ me { unreadNotificationCount notifications(first: 100) { nodes { kind title body } } } }"
    me = user.ask(query)["me"]
    assert me["unreadNotificationCount"] == len(me["notifications"]["nodes"])
    return [f"{each['kind']}: {each['title']} {each['body']}" for each in me["notifications"]["nodes"]]


def test_earned_badge_name_is_the_name_in_the_catalogue(world: World) -> None:
    user = world.new_user()
    award(world, user)
    (badge,) = badges(user, user)
    assert badge["name"] == badge["badge"]["name"] == NAMES[0]


def test_earned_badge_earned_at_is_the_instant_of_the_award_in_milliseconds(world: World) -> None:
    user, before = world.new_user(), world.service.services.clock()
    payload = award(world, user)
    earned = payload["earnedBadge"]["earnedAt"]
    assert type(earned) is int
    assert before <= earned <= world.service.services.clock()
    assert badges(user, user)[0]["earnedAt"] == earned


def test_earned_badge_earned_at_has_room_beyond_32_bits(world: World) -> None:
    user = world.new_user()
    for name, instant in zip(NAMES, (0, 2**31, 1_713_800_000_000, 2**53 - 1), strict=False):
        store(world, tables.earned_badges, user_id=user.id, name=name, earned_at=instant)
    assert [each["earnedAt"] for each in badges(world.colleague, user)] == [
        0,
        2**31,
        1_713_800_000_000,
        2**53 - 1,
    ]


def test_the_catalogue_has_exactly_the_badge_names(world: World) -> None:
    catalog = world.stranger.ask("{ badgeCatalog { name title description criteria } }")["badgeCatalog"]
    assert [badge["name"] for badge in catalog] == NAMES
    assert all(text.strip() for badge in catalog for text in badge.values())
    for part in ("title", "description", "criteria"):
        assert len({badge[part] for badge in catalog}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_badge_name(world: World, name: str) -> None:
    user = world.new_user()
    assert award(world, user, name)["awarded"] is True
    assert [each["name"] for each in badges(user, user)] == [name]
    progress = ask(user, user, "badgeProgress { earned total locked { name criteria } }")["badgeProgress"]
    assert (progress["earned"], progress["total"]) == (1, 5)
    assert [badge["name"] for badge in progress["locked"]] == [each for each in NAMES if each != name]


def test_rule_a_badge_is_awarded_at_most_once(world: World) -> None:
    user, guest_admin = world.new_user(), guest(world, "admin")
    first = award(world, user)
    with unchanged(world, user):
        for caller in (world.admin, world.owner, guest_admin):
            world.service.clock_offset += 1000
            again = award(world, user, by=caller)
            assert again == first | {"awarded": False}
    world.service.clock_offset = 0
    assert len(notified(user)) == 1


def test_rule_only_admins_award_badges(world: World) -> None:
    user, input = world.new_user(), {"badge": NAMES[0]}
    editor, guest_admin = guest(world), guest(world, "admin")
    with unchanged(world, user, guest_admin):
        for caller in (user, world.colleague, editor, world.stranger):
            assert verdict(caller, "checkBadge", input | {"username": user.username}) == "FORBIDDEN"
        assert verdict(world.foreign_admin, "checkBadge", input | {"username": user.username}) == "NOT_FOUND"
        assert verdict(guest_admin, "checkBadge", input | {"username": guest_admin.username}) == "FORBIDDEN"
    query = 'mutation { checkBadge(input: {username: "NAME", badge: "x"}) { awarded } }'
    body = {"query": query.replace("NAME", user.username)}
    assert codes(world.service.client.post("/graphql", json=body).json()) == "UNAUTHENTICATED"
    for caller, name in zip((world.admin, world.owner), NAMES, strict=False):
        assert award(world, user, name, by=caller)["awarded"] is True


def test_rule_a_new_badge_comes_with_a_notification(world: World) -> None:
    user = world.new_user()
    catalog = world.member.ask("{ badgeCatalog { name title description } }")["badgeCatalog"]
    for count, badge in enumerate(catalog, 1):
        world.service.clock_offset += 5
        award(world, user, badge["name"])
        texts = notified(user)
        assert len(texts) == count
        assert texts[0] == f"badge: Badge earned: {badge['title']} {badge['description']}"
    world.service.clock_offset = 0
    assert notified(world.admin) == []


def test_rule_awards_do_not_increase_the_revision_of_the_user(world: World) -> None:
    user = world.new_user()
    payload = award(world, user)
    assert payload["user"] == {"userId": user.id, "badges": [payload["earnedBadge"]]}
    assert ask(user, user, "revision badges { name }") == {"revision": 1, "badges": [{"name": NAMES[0]}]}
    assert user.ask("{ session { badges { name earnedAt } } }")["session"]["badges"] == [
        payload["earnedBadge"]
    ]


def test_a_refused_award_awards_nothing(world: World) -> None:
    user = world.new_user()
    body = send(world.admin, "checkBadge", {"username": user.username, "badge": "nope"}, AWARDED)
    payload = body["data"]["checkBadge"]
    (problem,) = payload.pop("userErrors")
    assert payload == {"awarded": False, "earnedBadge": None, "user": None}
    assert (problem["code"], problem["field"]) == ("UNKNOWN_BADGE", ["badge"])
    assert all(name in problem["message"] for name in NAMES)
    assert notified(user) == []


def test_viewing_earned_badges_is_for_members_of_a_common_tenant(world: World) -> None:
    user = world.new_user()
    award(world, user)
    for viewer in (user, world.colleague, guest(world), world.admin, world.owner):
        assert [each["name"] for each in badges(viewer, user)] == [NAMES[0]]
    for viewer in (world.stranger, world.foreign_admin):
        assert ask(viewer, user, "badges { name }") is None


def test_viewing_progress_counts_earned_of_total_and_lists_what_is_locked(world: World) -> None:
    user = world.new_user()
    for earned in range(len(NAMES) + 1):
        fields = ask(world.colleague, user, "badgeProgress { earned total locked { name criteria } }")
        progress = fields["badgeProgress"]
        assert (progress["earned"], progress["total"]) == (earned, len(NAMES))
        assert [badge["name"] for badge in progress["locked"]] == NAMES[earned:]
        assert all(badge["criteria"] for badge in progress["locked"])
        if earned < len(NAMES):
            award(world, user, NAMES[earned])


def test_viewing_badges_shows_the_oldest_first(world: World) -> None:
    user = world.new_user()
    for instant, name in ((3, "projectCreated"), (1, "firstActionCreated"), (2, "firstDataTypeCreated")):
        store(world, tables.earned_badges, user_id=user.id, name=name, earned_at=instant)
    assert [each["earnedAt"] for each in badges(world.colleague, user)] == [1, 2, 3]


def test_a_badge_removed_from_the_catalogue_is_kept_but_not_counted(world: World) -> None:
    user = world.new_user()
    store(world, tables.earned_badges, user_id=user.id, name="retired", earned_at=1)
    award(world, user)
    fields = ask(user, user, "badges { name badge { name } } badgeProgress { earned total locked { name } }")
    assert fields["badges"] == [
        {"name": "retired", "badge": None},
        {"name": NAMES[0], "badge": {"name": NAMES[0]}},
    ]
    assert fields["badgeProgress"]["earned"] == 1
    assert len(fields["badgeProgress"]["locked"]) == 4
    outcome = verdict(world.admin, "checkBadge", {"username": user.username, "badge": "retired"})
    assert outcome == "UNKNOWN_BADGE badge"


REFUSE_NOTIFICATIONS = {
    "sqlite": [
        """CREATE TRIGGER refuse BEFORE INSERT ON notifications WHEN NEW.user_id = 'ID'
        BEGIN SELECT RAISE(FAIL, 'refused'); END"""
    ],
    "postgresql": [
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''refused''; END'""",
        """CREATE TRIGGER refuse BEFORE INSERT ON notifications FOR EACH ROW WHEN (NEW.user_id = 'ID')
        EXECUTE FUNCTION refuse()""",
    ],
}


def test_the_badge_is_not_stored_if_the_notification_cannot_be(world: World) -> None:
    user = world.new_user()
    backend = world.service.settings.database_url.partition(":")[0].partition("+")[0]
    for statement in REFUSE_NOTIFICATIONS[backend]:
        run_sql(world, text(statement.replace("ID", user.id)))
    try:
        outcome = verdict(world.admin, "checkBadge", {"username": user.username, "badge": NAMES[0]})
        assert outcome == "INTERNAL"
    finally:
        run_sql(world, text("DROP TRIGGER refuse" + (" ON notifications" if backend == "postgresql" else "")))
    assert badges(user, user) == notified(user) == []
    assert award(world, user)["awarded"] is True
    assert len(notified(user)) == 1
