"""The lock files of npm name no host: neither registries, which differ by machine, nor funding pages."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TESTS = sorted(path.parent for path in (ROOT / "tests" / "npm").glob("*/package.json"))


@pytest.mark.parametrize("folder", [ROOT / "gql_service" / "explorer", *TESTS], ids=lambda path: path.name)
def test_a_lock_file_has_hashes_and_no_addresses(folder: Path) -> None:
    text = (folder / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
