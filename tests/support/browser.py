"""A headless Chromium, and a tab of it with GraphiQL. The fixtures are for the `conftest.py` of a folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import require
from tests.support.http_clients import PATIENCE

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE * 1000)
DECLARATIONS = """query ($any: [_Any!]!, $date: DateTime, $json: JSON!, $maybe: JSON, $number: Number,
  $object: JSONObject!, $patch: PatchPlatformMetadataInput!, $since: Timestamp) { __typename }"""
VARIABLES: dict[str, Any] = {
    "any": [{"__typename": "Platform", "key": "p"}],
    "date": "2024-01-15T10:30:00Z",
    "json": [1, {"a": None}, "b", True],
    "maybe": None,
    "number": 1.5,
    "object": {"theme": "dark"},
    "patch": {"platformKey": "p", "metadata": {"theme": {"dark": [1]}}},
    "since": 1700000000000,
}
"""Valid values of all our scalars."""
PASTE = """text => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
SUBSCRIPTION = """subscription Changes {
  platformMetadataChanged(platformKey: "KEY", sinceRevision: 0) { revision changedKeys } }"""


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    require("Chromium", path is not None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """A browser tab, and the errors in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, url: str) -> None:
        self.page.goto(f"{url}/graphql")

    def sign_in(self, token: str) -> None:
        self.page.fill("#access-token", token)
        self.page.click("#sign-in")

    def type_query(self, text: str) -> None:
        """Type into the editor, which closes brackets by itself."""
        self.page.click(".graphiql-query-editor .view-lines")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def run_query(self, text: str) -> None:
        """Type this as the operation `Me`, and execute it."""
        self.type_query(f"query Me {text}")
        self.page.click(".graphiql-response")  # closes the list of names, which may cover the button
        self.page.click(".graphiql-execute-button")

    def paste(self, editor: str, text: str) -> None:
        """Replace what an editor contains, without its completions."""
        self.page.click(f"{editor} .view-lines")
        self.page.keyboard.press("Control+a")
        self.page.evaluate(PASTE, text)

    def subscribe(self, platform_key: str) -> None:
        """Execute `SUBSCRIPTION`, once the page has noticed which operation it is."""
        self.paste(".graphiql-query-editor", SUBSCRIPTION.replace("KEY", platform_key))
        expect(self.page.get_by_role("tab", name="Changes")).to_be_visible()
        self.page.click(".graphiql-execute-button")

    def response(self, text: str) -> None:
        """Wait until the response contains this."""
        expect(self.page.locator(".graphiql-response")).to_contain_text(text)

    def status(self, text: str) -> None:
        """Wait until the page shows this about the caller."""
        expect(self.page.locator("#signed-in-as")).to_contain_text(text)

    def settle(self) -> None:
        """Wait until everything is loaded: the worker for GraphQL comes last.

        Playwright may miss the end of a request for a worker, and then never considers the network idle."""
        while not any("graphql.worker" in worker.url for worker in self.page.workers):
            self.page.wait_for_event("worker")
        self.page.wait_for_timeout(500)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A tab with its own browser profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Tab(context.new_page())
    context.close()
