"""The worked examples of `seeds/001`, as sequences of REST requests."""

from typing import Any

from tests.support.world import Caller, World


def save(caller: Caller, platform_key: str, metadata: Any, **options: Any) -> None:
    assert caller.rest("PATCH", platform_key, {"metadata": metadata}, **options).status_code == 200


def load(caller: Caller, platform_key: str) -> Any:
    response = caller.rest("GET", platform_key)
    assert response.status_code == 200
    return response.json()["metadata"]


def test_user_preferences_are_kept_until_the_next_login(world: World) -> None:
    my_app, user = world.platform_key, world.member
    preferences = {"theme": "dark", "fontSize": "14px", "sidebarCollapsed": False, "language": "en"}
    save(user, my_app, preferences)
    assert load(user, my_app) == preferences
    save(user, my_app, {"theme": "light"})
    assert load(user, my_app) == {**preferences, "theme": "light"}


def test_an_admin_enables_a_feature_and_the_user_sees_it(world: World) -> None:
    my_app = world.platform_key
    beta_tester = world.new_user(username=f"beta_tester_{my_app}")
    assert not load(beta_tester, my_app).get("features", {}).get("newDashboard")
    features = {"newDashboard": True, "aiAssistant": True, "advancedReports": False}
    save(world.admin, my_app, {"features": features}, username=beta_tester.username)
    assert load(beta_tester, my_app)["features"]["newDashboard"] is True
    assert load(beta_tester, my_app) == {"features": features}
    assert load(world.member, my_app) == {}
    refused = world.member.rest("PATCH", my_app, {"metadata": {"x": 1}}, username=beta_tester.username)
    assert refused.status_code == 403


def test_onboarding_resumes_at_the_last_step(world: World) -> None:
    my_app, user = world.platform_key, world.member
    steps = {
        "welcomeComplete": True,
        "profileComplete": True,
        "firstTaskComplete": False,
        "tourComplete": False,
    }
    progress = {
        "onboarding": steps,
        "lastStep": "profile",
        "lastStepTimestamp": "2024-01-20T14:45:00.000Z",
    }
    save(user, my_app, progress)
    resumed = load(user, my_app)
    assert resumed == progress
    assert resumed["onboarding"]["firstTaskComplete"] is False
    save(user, my_app, {"onboarding": {**steps, "firstTaskComplete": True}, "lastStep": "first-task"})
    resumed = load(user, my_app)
    assert resumed["onboarding"] == {**steps, "firstTaskComplete": True}
    assert resumed["lastStep"] == "first-task"
    assert resumed["lastStepTimestamp"] == progress["lastStepTimestamp"]


def test_settings_differ_from_platform_to_platform(world: World) -> None:
    corporate, personal, user = world.platform_key, world.new_platform(), world.member
    at_work = {"theme": "light", "notifications": "all", "language": "en"}
    personal_settings = {"theme": "dark", "notifications": "important-only", "language": "es"}
    save(user, corporate, at_work)
    save(user, personal, personal_settings)
    assert load(user, corporate) == at_work
    assert load(user, personal) == personal_settings


def test_a_schema_is_migrated_by_get_and_put(world: World) -> None:
    my_app, user = world.platform_key, world.member
    save(user, my_app, {"theme": "dark", "language": "es", "legacyFlag": True})
    before = user.rest("GET", my_app)
    old = before.json()["metadata"]
    new = {
        "ui": {"theme": old.get("theme", "light"), "fontSize": old.get("fontSize", "14px")},
        "preferences": {
            "language": old.get("language", "en"),
            "notifications": old.get("notifications", True),
        },
    }
    migrated = user.rest("PUT", my_app, {"metadata": new}, headers={"If-Match": before.headers["etag"]})
    assert migrated.status_code == 200
    assert load(user, my_app) == {
        "ui": {"theme": "dark", "fontSize": "14px"},
        "preferences": {"language": "es", "notifications": True},
    }
    assert migrated.json()["created_at"] == before.json()["created_at"]
