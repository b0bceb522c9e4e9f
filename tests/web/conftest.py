"""The browser of the tests of the explorer."""

from tests.support.browser import browser as browser
from tests.support.browser import tab as tab
