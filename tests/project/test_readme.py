"""The snippets of the README work from top to bottom, with nothing but the repository."""

import shutil
from pathlib import Path

from tests.conftest import require
from tests.support.walkthrough import (
    ADMIN_TOKEN,
    MEMBER_TOKEN,
    ROOT,
    START,
    blocks_of,
    make_serve,
    run_document,
)

README = ROOT / "README.md"


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


def test_the_readme_starts_the_server_first_and_then_sets_the_tokens() -> None:
    start, tokens, *others = [block for block in blocks_of(README) if block.language == "sh"]
    assert start.text.strip() == START
    assert MEMBER_TOKEN in tokens.text
    assert ADMIN_TOKEN in tokens.text
    assert others


def test_every_snippet_of_the_readme_works(tmp_path: Path) -> None:
    require("make", shutil.which("make") is not None)
    require("curl", shutil.which("curl") is not None)
    with make_serve(tmp_path) as server:
        run_document(README, server)
