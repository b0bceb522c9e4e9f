"""The console stays small: people open it on telephones."""

import gzip
import re
from pathlib import Path

import gql_service
from tests.conftest import require

BUILT = Path(gql_service.__file__).parent / "frontend/dist"
MOST = 250 * 1024


def scripts_of(page: Path) -> set[Path]:
    """The scripts that a page and its lazy parts load, at most."""
    found = {BUILT / name for name in re.findall(r'(?:src|href)="/pages/([^"]+\.js)"', page.read_text())}
    while new := {each for script in found for each in _imports(script)} - found:
        found |= new
    return found


def _imports(script: Path) -> set[Path]:
    names = re.findall(r'(?:from|import)\s*\(?\s*["`\']\./([^"`\']+\.js)', script.read_text())
    return {script.parent / name for name in names}


def test_the_compressed_scripts_of_the_console_are_small() -> None:
    require("the built console (make pages)", (BUILT / "console.html").is_file())
    scripts = scripts_of(BUILT / "console.html")
    assert any(script.name.startswith("Profile-") for script in scripts), "lazy pages are found"
    assert not any("monaco" in script.name for script in scripts)
    sizes = {script.name: len(gzip.compress(script.read_bytes(), 6)) for script in scripts}
    assert sum(sizes.values()) <= MOST, sizes
