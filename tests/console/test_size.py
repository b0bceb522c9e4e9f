"""The console stays small: people open it on telephones."""

import gzip
import re
from pathlib import Path

import gql_service
from tests.conftest import require

BUILT = Path(gql_service.__file__).parent / "frontend/dist"
MOST = 250 * 1024
_STATIC = re.compile(r'(?:from|import)["`\']\./([^"`\']+\.js)')
_LAZY = re.compile(r'import\(["`\']\./([^"`\']+\.js)')


def loaded_with(scripts: set[Path]) -> set[Path]:
    """These scripts, and all that they import at once."""
    found = set(scripts)
    while new := {each for script in found for each in _named(_STATIC, script)} - found:
        found |= new
    return found


def _named(pattern: re.Pattern[str], script: Path) -> set[Path]:
    return {script.parent / name for name in pattern.findall(script.read_text())}


def test_the_compressed_scripts_of_each_page_are_small() -> None:
    """What a visitor loads who opens a page first, with whatever that page loads later."""
    require("the built console (make pages)", (BUILT / "console.html").is_file())
    html = (BUILT / "console.html").read_text()
    names = re.findall(r'(?:src|href)="/pages/([^"]+\.js)"', html)
    first = loaded_with({BUILT / name for name in names})
    pages = {page for script in first for page in _named(_LAZY, script)}
    assert {page.name.partition("-")[0] for page in pages} >= {"Profile", "Settings", "User", "Webhooks"}
    sizes = {}
    for page in pages:
        scripts = loaded_with({*first, page})
        scripts |= loaded_with({later for script in scripts - first for later in _named(_LAZY, script)})
        assert not any("monaco" in script.name for script in scripts)
        sizes[page.name] = sum(len(gzip.compress(each.read_bytes(), 6)) for each in scripts)
    assert max(sizes.values()) <= MOST, sizes
