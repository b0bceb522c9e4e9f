"""The console in a tab of the browser, used as people use it: by labels, roles and keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, expect

from gql_service.domain import tenants
from gql_service.store.connection import Connection
from tests.support.browser import Tab
from tests.support.service import Service
from tests.support.world import OPERATOR, Caller

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="session")
"""For tests of how pages look and fail. Stories are told on both databases."""


def first_id() -> str:
    """The id of a tenant or platform that is listed on the first page, whatever other tests have created."""
    return f"0-{uuid4().hex}"


@cache
def fill_first_pages(service: Service) -> None:
    """Create so many tenants and platforms that what other tests create is never on the first pages.
    So no test can pass by chance while there are few."""

    async def create(tx: Connection) -> None:
        for number in range(101):
            id, now = f"00-{number}", service.services.clock()
            tenant = await tenants.create_tenant(tx, OPERATOR, name="A tenant", id=id, now=now)
            await tenants.create_platform(tx, OPERATOR, key=id, tenant_id=tenant.id, now=now)

    service.write(create)


class Console:
    """One window of the console."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.page = tab.page
        self._url = url

    def open(self, path: str) -> None:
        self.page.goto(self._url + path)

    def sign_in(self, token: str, *, keep: bool = False) -> None:
        """Sign in where the page asks for it. With `keep`, the page may be left at once after it."""
        self.page.get_by_role("textbox", name="Access token", exact=True).fill(token)
        if keep:
            self.page.get_by_text("Keep it until this tab is closed").click()
        self.button("Sign in").click()
        if keep:
            self.page.wait_for_function("() => sessionStorage.length > 0")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name, exact=True)

    def shows(self, text: str) -> None:
        """Wait until the page shows this."""
        expect(self.page.locator("body")).to_contain_text(text)


@contextmanager
def second_window(browser: Browser, caller: Caller, path: str) -> Iterator[Console]:
    """Another browser profile with a page of the console, signed in as this user."""
    context = browser.new_context()
    window = Console(Tab(context.new_page()), caller.service.url)
    window.open(path)
    window.sign_in(caller.token)
    yield window
    context.close()
