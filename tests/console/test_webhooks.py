"""Webhooks in the console: from the first one to the last, with a real receiver."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from standardwebhooks import Webhook as Verifier

from tests.support.console import Console
from tests.support.receiver import Answer, Receiver, receiving
from tests.support.service import Service, serving, wait_until
from tests.support.webhooks import SETTINGS, webhooks
from tests.support.world import World


@pytest.fixture
def service(fresh_database_url: str) -> Iterator[Service]:
    """Of its own database: another server there, with other settings, might send instead."""
    with serving(fresh_database_url, **SETTINGS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_an_admin_creates_tests_pauses_repeats_and_deletes(
    console: Console, world: World, receiver: Receiver
) -> None:
    page = console.page
    console.sign_in(world.admin.token)
    page.get_by_role("link", name="Webhooks").click()
    console.shows("There is no webhook.")
    secret = _create(console, receiver.url)
    console.shows("Nothing was sent yet.")

    receiver.answer = lambda _request: Answer(200, b"<b>thanks</b>")
    console.button("Send test").click()
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text(re.compile("Delivered.*Test.*1 attempt.*200", re.S))
    first.get_by_text("Response").click()
    expect(first.locator("pre")).to_have_text("<b>thanks</b>")
    (request,) = receiver.requests
    Verifier(secret).verify(request.body, dict(request.headers))

    first.get_by_role("button", name="Repeat").click()
    wait_until(lambda: len(receiver.requests) == 2)
    expect(page.get_by_role("row", name="Delivered")).to_have_count(2)

    console.button("Pause").click()
    console.shows("Paused. Events wait")
    assert [each["state"] for each in webhooks(world)] == ["PAUSED"]
    console.button("Resume").click()
    console.shows("Sending")

    console.button("Rotate secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate secret").click()
    assert _kept_secret(console) != secret

    console.button("Delete webhook").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete webhook")).to_be_disabled()
    dialog.get_by_role("textbox").fill(f"127.0.0.1:{receiver.port}")
    dialog.get_by_role("button", name="Delete webhook").click()
    console.shows("There is no webhook.")
    assert webhooks(world) == []
    assert console.tab.complaints == []


def test_failures_are_told(console: Console, world: World, receiver: Receiver) -> None:
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Webhooks").click()
    console.button("Create webhook").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("URL").fill("ftp://example.com/")
    dialog.get_by_role("button", name="Create webhook").click()
    expect(dialog.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    receiver.answer = lambda _request: Answer(410, b"")
    _create(console, receiver.url, "User erased")
    assert [each["types"] for each in webhooks(world)] == [["USER_ERASED"]]
    console.button("Send test").click()
    console.shows("Disabled: the receiver has answered 410 (Gone).")
    expect(console.button("Resume")).to_be_visible()
    assert console.tab.complaints == []


def _create(console: Console, url: str, *types: str) -> str:
    """Create a webhook; its secret, which was shown only once."""
    console.button("Create webhook").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("URL").fill(url)
    for name in types:
        dialog.get_by_text(name).click()
    dialog.get_by_role("button", name="Create webhook").click()
    return _kept_secret(console)


def _kept_secret(console: Console) -> str:
    code = console.page.get_by_role("dialog").get_by_text(re.compile("^whsec_"))
    secret = code.inner_text()
    console.page.keyboard.press("Escape")
    expect(code).to_be_visible()
    console.button("I have kept it").click()
    expect(code).to_have_count(0)
    return secret
