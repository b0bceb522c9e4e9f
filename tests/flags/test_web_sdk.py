"""Flags as the web SDK of OpenFeature reads them, in a browser, from a page of another origin."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import chromium
from tests.support.definitions import patch
from tests.support.flags import define_flag, documented_sdk, variant
from tests.support.http_clients import PATIENCE
from tests.support.npm import copy_npm_project, npm_project, run_npm_program
from tests.support.service import Service, serving
from tests.support.world import World

CHANGED = "PROVIDER_CONFIGURATION_CHANGED"


class _QuietHandler(SimpleHTTPRequestHandler):
    """Serves files."""

    def log_message(self, format: str, *_arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a page with the SDK."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--bundle", "--format=iife", f"--outfile={folder / 'page.js'}")
    done = run_npm_program(npm_project("openfeature"), "esbuild", "page.mjs", *options)
    assert done.returncode == 0, done.stderr
    (folder / "index.html").write_text("<!doctype html><title>Flags</title><script src=page.js></script>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def open_service(database_url: str, site: str) -> Iterator[Service]:
    """A server that pages of this origin may ask."""
    with serving(database_url, cors_origins=[site]) as running:
        yield running


class FlagPage:
    """A page with the SDK, and the statuses of the responses that it got to evaluations."""

    def __init__(self, page: Page, world: World) -> None:
        self._page = page
        self._world = world
        self.statuses: list[int] = []
        page.set_default_timeout(PATIENCE * 1000)
        page.on("response", lambda response: self._note(response.request.method, response.status))

    def _note(self, method: str, status: int) -> None:
        if method == "POST":
            self.statuses.append(status)

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._world.service.url

    def start(self, token: str, target: str) -> Any:
        """Read the flags of a user, and ask for changes ten times a second."""
        world = self._world
        options = {
            "baseUrl": f"{world.service.url}/platforms/{world.platform_key}",
            "token": token,
            "targetingKey": target,
            "pollInterval": 100,
        }
        return self._page.evaluate("options => window.start(options)", options)

    def run(self, script: str, title: str) -> None:
        """Run a module, and wait until the page has this title."""
        self._page.add_script_tag(content=script, type="module")
        self._page.wait_for_function("title => document.title === title", arg=title)

    def details(self, key: str, default: Any) -> tuple[Any, ...]:
        """Value, reason, variant and error code of a flag."""
        found = self._page.evaluate("([key, value]) => window.details(key, value)", [key, default])
        return tuple(found.get(name) for name in ("value", "reason", "variant", "errorCode"))

    def wait_for_change(self, key: str) -> None:
        """Wait until the SDK tells the page that a flag has changed."""
        is_noted = "([name, key]) => events.some(([event, keys]) => event === name && keys?.includes(key))"
        self._page.wait_for_function(is_noted, arg=[CHANGED, key])
        self._page.evaluate("window.events = []")

    def wait_for_status(self, status: int) -> None:
        """Wait until an evaluation has this status."""
        self.statuses.clear()
        while status not in self.statuses:
            self._page.wait_for_event("response")


@pytest.fixture
def page(browser: Browser, site: str, open_service: Service, world: World) -> Iterator[FlagPage]:
    context = browser.new_context()
    tab = context.new_page()
    flags = FlagPage(tab, world.on(open_service))
    tab.goto(f"{site}/")
    yield flags
    context.close()


def test_a_page_reads_flags_of_every_type(page: FlagPage, world: World) -> None:
    define_flag(world, "split", default=False, variants=[variant("on", True, 100_000)])
    define_flag(world, "theme", "string", default="dark")
    define_flag(world, "size", "number", default=2)
    define_flag(world, "config", "json", default={"a": [1]})
    define_flag(world, "list", "json", default=[1])
    define_flag(world, "off", default=False, enabled=False)
    define_flag(world, "none", "string")
    patch(world.member, world, {"theme": "light"})
    assert page.start(world.member.token, world.member.id) == "READY"
    assert page.details("split", False) == (True, "SPLIT", "on", None)
    assert page.details("theme", "none") == ("light", "TARGETING_MATCH", "override", None)
    assert page.details("size", 7) == (2, "STATIC", "default", None)
    assert page.details("config", {}) == ({"a": [1]}, "STATIC", "default", None)
    assert page.details("off", True) == (False, "DISABLED", "default", None)
    assert page.details("none", "x") == ("x", "STATIC", "default", None)
    assert page.details("unknown", True) == (True, "ERROR", None, "FLAG_NOT_FOUND")
    assert page.details("theme", True) == (True, "ERROR", None, "TYPE_MISMATCH")
    assert page.details("list", {}) == ({}, "ERROR", None, "GENERAL")


def test_changes_reach_a_page_that_polls(page: FlagPage, world: World) -> None:
    define_flag(world, "beta", default=False, isEditable=False)
    assert page.start(world.member.token, world.member.id) == "READY"
    assert page.statuses == [200]
    page.wait_for_status(304)
    assert page.details("beta", True) == (False, "STATIC", "default", None)

    rollout: dict[str, Any] = {
        "default": False,
        "isEditable": False,
        "variants": [variant("on", True, 100_000)],
    }
    define_flag(world, "beta", **rollout)
    page.wait_for_change("beta")
    assert page.details("beta", False) == (True, "SPLIT", "on", None)

    define_flag(world, "beta", **rollout, enabled=False)  # the kill switch
    page.wait_for_change("beta")
    assert page.details("beta", True) == (False, "DISABLED", "default", None)
    page.wait_for_status(304)


def test_a_page_with_a_wrong_token_keeps_the_defaults_of_its_code(page: FlagPage, world: World) -> None:
    define_flag(world, "beta", default=False)
    assert page.start(world.member.token[:-1], world.member.id) == "PROVIDER_FATAL"
    assert page.statuses == [401]
    assert page.details("beta", True)[0] is True


def test_the_documented_page_shows_a_flag(page: FlagPage, world: World, tmp_path: Path) -> None:
    define_flag(world, "newSearch", default=True)
    base_url = f"{page.url}/platforms/{world.platform_key}"
    project = copy_npm_project("openfeature", tmp_path / "page")
    (project / "shown.mjs").write_text(documented_sdk("browser", base_url, world.member))
    done = run_npm_program(project, "esbuild", "shown.mjs", "--bundle", "--format=esm")
    assert done.returncode == 0, done.stderr
    page.run(done.stdout, "New search")
