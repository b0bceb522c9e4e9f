"""Take pictures of the pages: `python -m tools.console_images FOLDER [NAME…]`; `--docs`: for the documents.

It starts a server with lively data of its own. In the folder, each page and state is there in both themes and
three widths. It needs Chromium and the built pages.
"""

import base64
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from gql_service.demo import MEMBER
from tests.support.browser import FLAGS
from tests.support.users import write
from tools.console_scene import MANY_KEYS, PLATFORM, Scene, built_scene

IMAGES = Path(__file__).parent.parent / "docs/images"
KEEP = "token => sessionStorage.setItem('gql_service:token', token)"
WIDTHS = (390, 1024, 1600)
SCHEMES = ("light", "dark")
_NUMBERS = itertools.count(1)
TALLEST = 2400
"""Longer pages are cut off."""
MOST = 60 * 1024
"""Bytes of a picture of the documentation."""

Prepare = Callable[[Page, Scene], None]


class Shot(NamedTuple):
    """A page, and what is done before its picture is taken."""

    name: str
    role: str
    path: str
    prepare: Prepare = lambda _page, _scene: None


def _badges(page: Page, _scene: Scene) -> None:
    page.get_by_role("button", name="Badges").click()
    page.get_by_role("dialog").get_by_role("listitem").first.wait_for()


def _conflict(page: Page, scene: Scene) -> None:
    number = next(_NUMBERS)  # a value that is there already would be no conflict
    page.get_by_role("textbox", name="Greeting").fill(f"Mine ({number})")
    page.context.set_offline(True)  # or the page would show at once what is written now
    values = {"greeting": f"Theirs, which is rather longer than mine ({number})"}
    write(scene.member, "patchPlatformMetadata", {"platformKey": PLATFORM, "metadata": values})
    page.context.set_offline(False)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").wait_for()


def _draft(page: Page, _scene: Scene) -> None:
    page.get_by_role("textbox", name="Greeting").fill("Another greeting")


def _dry_run(page: Page, _scene: Scene) -> None:
    page.get_by_role("textbox", name="Usernames").fill(f"{MEMBER}\nada_000\nli_001\nnobody_of_this_name")
    page.get_by_role("textbox", name="Set these keys").fill('{"plan": "pro", "fontSize": 18}')
    page.get_by_role("button", name="Try it").click()
    page.get_by_role("table").wait_for()


def _edit(page: Page, _scene: Scene) -> None:
    page.get_by_role("button", name="Edit plan").click()


def _columns(page: Page, _scene: Scene) -> None:
    page.get_by_role("button", name="Columns").click()


def _away(page: Page, scene: Scene) -> None:
    page.route("**/graphql", lambda route: route.abort())
    _menu(page, scene)
    page.get_by_role("link", name="Health").click()
    page.get_by_role("button", name="Try again").wait_for()


def _question(page: Page, _scene: Scene) -> None:
    page.get_by_role("button", name="Erase").last.click()
    page.get_by_role("dialog").wait_for()


def _create(page: Page, _scene: Scene) -> None:
    page.get_by_role("button", name="Create platform").click()
    page.get_by_role("dialog").wait_for()


def _menu(page: Page, _scene: Scene) -> None:
    menu = page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()


def _expired(page: Page, scene: Scene) -> None:
    refused = '{"errors": [{"message": "The token has expired.", "extensions": {"code": "UNAUTHENTICATED"}}]}'
    page.route("**/graphql", lambda route: route.fulfill(status=401, body=refused))
    page.get_by_role("button", name="Badges").click()
    page.get_by_role("heading", name="Your access token is not valid any more").wait_for()


P = f"/console/p/{PLATFORM}"
USER = f"{P}/users/{MEMBER}?tab="
TABS = ("effective", "history", "badges", "access", "changes", "danger")
SHOTS = [
    Shot("sign-in", "nobody", "/"),
    Shot("profile", "member", "/console/profile"),
    Shot("badges", "member", "/console/profile", _badges),
    Shot("expired", "member", "/console/profile", _expired),
    Shot("menu", "owner", "/console/profile", _menu),
    Shot("settings", "member", f"{P}/settings"),
    Shot("settings-draft", "member", f"{P}/settings", _draft),
    Shot("conflict", "member", f"{P}/settings", _conflict),
    Shot("settings-empty", "member", "/console/p/personal/settings"),
    Shot("notifications", "member", "/console/notifications"),
    Shot("notifications-empty", "owner", "/console/notifications"),
    Shot("data", "member", "/console/data"),
    Shot("forbidden", "member", f"{P}/users"),
    Shot("users", "admin", f"{P}/users"),
    Shot("users-columns", "admin", f"{P}/users", _columns),
    Shot("user", "admin", f"{USER}metadata"),
    Shot("user-edit", "admin", f"{USER}metadata", _edit),
    Shot("user-many", "admin", f"{P}/users/{MANY_KEYS}"),
    Shot("user-long", "admin", f"{P}/users/{'x' * 60}"),
    Shot("user-unknown", "admin", f"{P}/users/nobody_of_this_name"),
    *(Shot(f"user-{tab}", "admin", USER + tab) for tab in TABS),
    Shot("user-erase", "admin", f"{USER}danger", _question),
    Shot("definitions", "admin", f"{P}/definitions"),
    Shot("definitions-empty", "admin", "/console/p/personal/definitions"),
    Shot("rollout", "admin", f"{P}/definitions/checkout_button"),
    Shot("definition", "admin", f"{P}/definitions/fontSize?tab=edit"),
    Shot("define", "admin", f"{P}/define"),
    Shot("activity", "admin", f"{P}/activity"),
    Shot("webhooks", "admin", f"{P}/webhooks"),
    Shot("webhooks-empty", "admin", "/console/p/personal/webhooks"),
    Shot("bulk", "admin", f"{P}/bulk"),
    Shot("bulk-tried", "admin", f"{P}/bulk", _dry_run),
    Shot("tenants", "owner", "/console/tenants"),
    Shot("platforms", "owner", "/console/platforms"),
    Shot("platform-create", "owner", "/console/platforms", _create),
    Shot("health", "owner", "/console/health"),
    Shot("away", "owner", "/console/profile", _away),
    Shot("explorer", "member", "/graphql"),
    Shot("documents", "nobody", "/docs/guide.html"),
]
DOCUMENTED = {
    "badges": (960, 720),
    "settings": (960, 720),
    "user": (1280, 720),
    "rollout": (1280, 720),
    "bulk-tried": (1280, 1000),
}
"""The pictures of the documentation, and their sizes."""


def _open(browser: Browser, scene: Scene, shot: Shot, width: int, scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 720},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    if shot.role != "nobody":
        context.add_init_script(f"({KEEP})('{getattr(scene, shot.role).token}')")
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(scene.service.url + shot.path)
    page.locator("h1").first.wait_for()
    _settle(page)
    shot.prepare(page, scene)
    _settle(page)
    return page


def _settle(page: Page) -> None:
    """Wait until nothing is loading."""
    page.wait_for_function("() => !document.querySelector('[aria-label=\"Loading\"]')")
    page.wait_for_timeout(400)


def _take_all(browser: Browser, scene: Scene, folder: Path, names: list[str]) -> None:
    for shot in SHOTS:
        if names and shot.name not in names:
            continue
        for width in WIDTHS:
            for scheme in SCHEMES:
                try:
                    page = _open(browser, scene, shot, width, scheme)
                    height = min(TALLEST, page.evaluate("() => document.documentElement.scrollHeight"))
                    page.set_viewport_size({"width": width, "height": max(height, 720)})
                    page.screenshot(path=folder / f"{shot.name}-{width}-{scheme}.png")
                except Exception as error:  # the others are of use, too
                    print(f"{shot.name} {width} {scheme}: {error}")
                for context in browser.contexts:
                    context.close()


def _take_documented(browser: Browser, scene: Scene) -> None:
    """WebP is smaller than PNG, and every browser and host of repositories shows it."""
    for shot in SHOTS:
        if shot.name not in DOCUMENTED:
            continue
        width, height = DOCUMENTED[shot.name]
        page = _open(browser, scene, shot, width, "light")
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => scrollTo(0, 0)")
        session = page.context.new_cdp_session(page)
        for quality in (80, 60, 40):
            taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
            picture = base64.b64decode(taken["data"])
            if len(picture) <= MOST:
                break
        (IMAGES / f"console-{shot.name}.webp").write_bytes(picture)
        page.context.close()


def main(target: str, *names: str) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with built_scene(Path(folder)) as scene:
            if target == "--docs":
                _take_documented(browser, scene)
            else:
                Path(target).mkdir(parents=True, exist_ok=True)
                _take_all(browser, scene, Path(target), list(names))
            browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
