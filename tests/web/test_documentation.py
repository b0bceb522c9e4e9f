"""The documents of the project as pages at `/docs/`: offline, without scripts, and with working links."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest

import gql_service
from tests.conftest import require
from tests.support.accessibility import serious_findings
from tests.support.browser import Tab
from tests.support.browser import browser as browser
from tests.support.browser import tab as tab
from tests.support.service import Service, serving
from tests.support.walkthrough import ROOT

BUILT = Path(gql_service.__file__).parent / "frontend/dist/docs"
FIRST = ROOT / "README.md"
DOCUMENTS = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")} - {FIRST}
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server for this module only: it needs no data."""
    require("the built documentation (make pages)", (BUILT / "index.html").is_file())
    with serving(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('docs') / 'test.sqlite3'}") as running:
        yield running


class Reader(HTMLParser):
    """The links, ids, headings and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            assert found["id"] not in self.ids, "an anchor is there twice"
            self.ids.add(found["id"])
        self.links += [found[name] for name in ("href", "src") if name in found]
        self.scripts += tag == "script" or any(name.startswith("on") for name in found)


def address(document: Path) -> str:
    """Where a document is served."""
    name = str(document.relative_to(ROOT)).removeprefix("docs/").removesuffix(".md")
    return f"/docs/{name.removesuffix('/README').lower()}.html"


def read(service: Service, path: str) -> Reader:
    response = service.client.get(path)
    assert response.status_code == 200, path
    return Reader(response.text)


def reachable(service: Service) -> dict[str, Reader]:
    """All pages to which links lead from the first one."""
    pages: dict[str, Reader] = {}
    pending = ["/docs/"]
    while pending:
        path = pending.pop()
        if path in pages:
            continue
        pages[path] = read(service, path)
        targets = {urldefrag(urljoin(path, link))[0] for link in pages[path].links}
        pending += [each for each in targets if each.startswith("/docs/") and each.endswith((".html", "/"))]
    return pages


def test_every_document_is_served_and_every_link_leads_somewhere(service: Service) -> None:
    pages = reachable(service)
    assert pages.keys() == {"/docs/", *map(address, DOCUMENTS)}
    for path, page in pages.items():
        assert page.scripts == 0
        for link in page.links:
            target, anchor = urldefrag(urljoin(path, link))
            if target in pages:
                assert not anchor or anchor in pages[target].ids, f"{path}: {link}"
            elif not target.startswith(("http:", "https:", "data:")):
                accept = {"Accept": "text/html"}
                assert service.client.get(target, headers=accept).status_code == 200, f"{path}: {link}"


def test_the_text_of_a_document_is_complete(service: Service) -> None:
    """Every heading, and the cells of tables: escaped bars and code with markup, too."""
    for document in DOCUMENTS:
        page = service.client.get(address(document)).text
        source = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
        headings = re.findall(r"^#+ .+$", source, re.MULTILINE)
        assert len(re.findall(r"<main.*</main>", page, re.DOTALL)) == 1
        assert len(re.findall(r"<h[1-6] id=", page)) == len(headings), document
    errors = service.client.get("/docs/errors.html").text
    assert "<code>FORBIDDEN</code>" in errors
    assert "<table>" in errors


def test_the_documentation_has_the_policy_of_the_pages_and_is_compressed(service: Service) -> None:
    page = service.client.get("/docs/")
    explorer = service.client.get("/graphql", headers={"Accept": "text/html"})
    assert page.headers["Content-Security-Policy"] == explorer.headers["Content-Security-Policy"]
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Cache-Control"] == "no-cache"
    short = service.client.get("/docs")
    assert (short.status_code, short.headers["Location"]) == (307, "docs/")
    assert service.client.get("/docs/nothing.html").status_code == 404


LOOKED_AT = [each for each in DOCUMENTS if not re.match("00(0[2-9]|1)", each.name)]
"""Decisions are all alike: the first one stands for them."""


@pytest.mark.parametrize("path", ["/docs/", *map(address, LOOKED_AT)])
def test_a_document_has_no_serious_findings(service: Service, tab: Tab, path: str) -> None:
    tab.page.goto(service.url + path)
    for scheme, width in (("light", 1280), ("dark", 390)):
        tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert serious_findings(tab.page) == [], (scheme, width)
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert tab.complaints == []
    assert tab.hosts == {"127.0.0.1"}


def test_people_find_the_documentation(service: Service, tab: Tab) -> None:
    tab.page.goto(service.url)
    tab.page.get_by_role("link", name="Documentation").click()
    tab.page.get_by_role("navigation").get_by_role("link", name="Errors").click()
    tab.page.wait_for_url("**/docs/errors.html")
    tab.page.get_by_role("link", name="Console", exact=True).click()
    tab.page.wait_for_url("**/console")
    assert tab.complaints == []
