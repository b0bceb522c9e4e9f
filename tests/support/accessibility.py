"""Accessibility as axe-core judges it."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.support.npm import npm_project

_AXE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => [each.id, each.help, ...each.nodes.map(node => `${node.html} ${node.failureSummary}`)])"""


@cache
def _source() -> str:
    return (npm_project("axe") / "node_modules/axe-core/axe.min.js").read_text()


def serious_findings(page: Page) -> Any:
    """What keeps people from using the page as it is now. The policy of the page does not apply to us."""
    page.evaluate(_source())
    return page.evaluate(_AXE)
