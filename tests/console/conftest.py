"""The console in a browser, against the server that most tests share."""

from pathlib import Path

import pytest

import gql_service
from tests.conftest import require
from tests.support.browser import Tab
from tests.support.browser import browser as browser
from tests.support.browser import tab as tab
from tests.support.console import Console, fill_first_pages
from tests.support.world import World

BUILT = Path(gql_service.__file__).parent / "frontend/dist/console.html"


@pytest.fixture
def console(tab: Tab, world: World) -> Console:
    """The console, before anybody has signed in."""
    require("the built console (make pages)", BUILT.is_file())
    fill_first_pages(world.service)
    opened = Console(tab, world.service.url)
    opened.open("/console")
    return opened
