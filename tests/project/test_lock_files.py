"""The lock files: they name packages, versions and hashes, and nothing of the machine that wrote them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SKIPPED = re.compile(r"node_modules|build|\..*")
"""Folders with what was installed or built."""
PYTHON_LINE = re.compile(
    r"[a-z0-9-]+==[\w.!+-]+(?: ; [\w.<>=!'\" ()]+)? \\"  # a package, and the platforms that need it
    r"|    --hash=sha256:[0-9a-f]{64}(?: \\)?"
)
FOREIGN = re.compile(r"\w:(?:\\|/)|^/|^~/|\bfile:|\bgit\+|@.*:")
"""Addresses and absolute paths."""
UNWANTED = {"resolved", "funding"}
"""Where a package was downloaded from, and where its authors ask for money."""


def _found(pattern: str) -> list[Path]:
    paths = ROOT.rglob(pattern)
    return sorted(
        path for path in paths if not any(map(SKIPPED.fullmatch, path.relative_to(ROOT).parts[:-1]))
    )


PYTHON, NPM = _found("requirements*.lock"), _found("package-lock.json")


def foreign_lines(text: str) -> list[str]:
    """The lines of a lock file for pip that are not a package or a hash."""
    return [line for line in text.splitlines() if not PYTHON_LINE.fullmatch(line)]


def foreign_values(value: Any, name: str = "") -> Iterator[str]:
    """The names of the values in a lock file for npm that are unwanted, an address or an absolute path."""
    if name in UNWANTED or (isinstance(value, str) and FOREIGN.search(value)):
        yield name
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        if FOREIGN.search(str(key)):
            yield str(key)
        yield from foreign_values(each, str(key))


def test_all_lock_files_are_found() -> None:
    assert {path.name for path in PYTHON} == {
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-audit.lock",
        "requirements-schemathesis.lock",
    }
    folders = {path.parent for path in _found("package.json")}
    assert {path.parent for path in NPM} == folders


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_a_lock_file_for_pip_has_packages_and_hashes_only(path: Path) -> None:
    assert foreign_lines(path.read_text()) == []


@pytest.mark.parametrize("path", NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_file_for_npm_has_no_addresses_or_paths(path: Path) -> None:
    assert list(foreign_values(json.loads(path.read_text()))) == []


@pytest.mark.parametrize("path", NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_file_for_npm_has_a_hash_of_every_package(path: Path) -> None:
    packages = json.loads(path.read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


@pytest.mark.parametrize("path", NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_npm_is_told_to_leave_addresses_out(path: Path) -> None:
    """Otherwise, the next `npm install` would add them."""
    settings = (path.parent / ".npmrc").read_text().splitlines()
    assert {"omit-lockfile-registry-resolved=true", "fund=false"} <= set(settings)


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://registry.example/simple",
        "a @ file:///home/someone/a",
        "a==1.0 \\  # from /home/someone",
        "    # via b",
        "-e .",
        "--find-links /opt/wheels",
    ],
)
def test_what_does_not_belong_in_a_lock_file_for_pip_is_found(line: str) -> None:
    assert foreign_lines(line)


@pytest.mark.parametrize(
    "package",
    [
        {"resolved": "a.tgz"},
        {"version": "file:../a"},
        {"version": "/home/someone/a"},
        {"version": "C:\\a"},
        {"version": "git+ssh://git@host.example/a.git"},
        {"funding": {"type": "individual"}},
        {"deprecated": "See https://host.example"},
        {"dependencies": {"a": ["https://host.example"]}},
    ],
)
def test_what_does_not_belong_in_a_lock_file_for_npm_is_found(package: dict[str, Any]) -> None:
    assert list(foreign_values({"packages": {"node_modules/a": package}}))
    assert list(foreign_values({"packages": {"/home/someone/a": {}}}))
