"""The README works from top to bottom, for somebody who has nothing but the repository."""

from pathlib import Path

import pytest

from tests.conftest import require_program
from tests.support.walkthrough import ADMIN_TOKEN, MEMBER_TOKEN, ROOT, START, blocks_of, make_serve, run_document

README = ROOT / "README.md"


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150
