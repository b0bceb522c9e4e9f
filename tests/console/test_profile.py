"""The profile panel and its badges."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import expect
from pydantic import ValidationError

from gql_service.settings import Settings
from tests.conftest import require
from tests.console.conftest import BUILT
from tests.support.browser import Tab
from tests.support.console import Console
from tests.support.service import serving
from tests.support.world import World

AWARD = """mutation ($user: String!) { checkBadge(input: {username: $user, badge: "projectCreated"}) {
  userErrors { message } } }"""


def test_badges(console: Console, world: World) -> None:
    assert world.admin.ask(AWARD, user=world.member.username)["checkBadge"] == {"userErrors": []}
    console.sign_in(world.member.token)
    console.button("Badges 1 of 5").click()
    console.shows("1 of 5 earned")
    dialog = console.page.get_by_role("dialog")
    badges = dialog.get_by_role("listitem")
    expect(badges).to_have_count(5)
    expect(badges.nth(0)).to_contain_text(re.compile(r"Project founder.*Earned .*20\d\d", re.S))
    for number in range(1, 5):
        expect(badges.nth(number)).to_contain_text(re.compile("Locked.*What to do:", re.S))
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_language_is_that_of_the_user(console: Console, world: World) -> None:
    user = world.new_user(language="de")
    console.sign_in(user.token)
    expect(console.heading("Profil")).to_be_visible()
    console.page.get_by_role("button", name="Deutsch").click()
    console.page.get_by_role("option", name="English").click()
    expect(console.heading("Profile")).to_be_visible()
    assert user.ask("{ me { language } }") == {"me": {"language": "en"}}


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


class Pictures(BaseHTTPRequestHandler):
    """Another host with pictures. It remembers what browsers tell it."""

    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers["Referer"])
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Type", "image/svg+xml")
        self.end_headers()
        if "missing" not in self.path:  # browsers show a picture that comes with 404
            self.wfile.write(SVG)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def pictures() -> Iterator[str]:
    Pictures.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("path", "is_allowed"), [("me.svg", True), ("missing.svg", True), ("me.svg", False)])
def test_pictures_come_from_the_hosts_of_the_settings(
    tab: Tab, pictures: str, tmp_path: Path, path: str, is_allowed: bool
) -> None:
    require("the built console (make pages)", BUILT.is_file())
    sources = (pictures,) if is_allowed else ()
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", image_sources=sources) as service:
        world = World(service)
        user = world.new_user(image=f"{pictures}/{path}", profile_fields={"firstName": {"value": "Zoe"}})
        console = Console(tab, service.url)
        console.open("/console")
        console.sign_in(user.token)
        picture = console.page.get_by_role("img", name="Picture of Zoe")
        if is_allowed and path == "me.svg":
            expect(picture).to_have_js_property("naturalWidth", 8)
        else:
            expect(console.page.locator("main").get_by_text("Z", exact=True)).to_be_visible()
            expect(picture).to_have_count(0)
        # React may begin a page anew, and the browser asks for a missing picture each time.
        assert set(Pictures.seen) == ({None} if is_allowed else set())


def test_only_the_console_loads_pictures_of_other_hosts(world: World) -> None:
    require("the built console (make pages)", BUILT.is_file())
    for path in ("/console", "/", "/graphql", "/docs/"):
        page = world.service.client.get(path, headers={"Accept": "text/html"})
        sources = "'self' data: https:" if path in ("/console", "/") else "'self' data:"
        assert f"; img-src {sources}; " in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "value",
    [
        "https://a.example; script-src *",
        "*",
        "data:",
        "https://a.example/path",
        "a.example",
        "https:, 'self'",
    ],
)
def test_a_source_that_is_no_host_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GQL_SERVICE_IMAGE_SOURCES", value)
    with pytest.raises(ValidationError, match="use https: or origins"):
        Settings()


def test_sources_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, sources in {
        "": (),
        "https:": ("https:",),
        "https://a.example, http://b:81": ("https://a.example", "http://b:81"),
    }.items():
        monkeypatch.setenv("GQL_SERVICE_IMAGE_SOURCES", value)
        assert Settings().image_sources == sources
