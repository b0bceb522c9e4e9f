"""`make sbom` and `make audit`: nothing that is installed is left out, and nothing is skipped silently."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.project.test_lock_files import NPM, PYTHON, ROOT

AUDIT = Path(sys.prefix) / "audit" / "bin"
NO_NETWORK = {"npm_config_offline": "true", "npm_config_registry": "http://127.0.0.1:9"}
VULNERABLE = {
    "name": "a",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"], "aliases": []}],
}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
FINE = {"name": "c", "version": "1.0", "vulns": []}
DEVELOPMENT = {"name": "cdx:npm:package:development", "value": "true"}
ADVISORY = {"title": "Reads too much", "url": "https://advisories.example/1"}


def _make(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | NO_NETWORK
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    command = ["make", f"VENV={sys.prefix}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bills of materials by the names of their files."""
    require("make", shutil.which("make") is not None)
    require("Node (npm)", shutil.which("npm") is not None)
    require("cyclonedx-py (make sbom)", (AUDIT / "cyclonedx-py").exists())
    folder = tmp_path_factory.mktemp("sbom")
    done = _make("sbom", f"SBOM={folder}", "--assume-old=requirements-audit.lock")
    assert done.returncode == 0, done.stderr
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def _packages(bill: Any) -> set[tuple[str, str]]:
    assert bill["bomFormat"] == "CycloneDX"
    return {(each["name"], each["version"]) for each in bill["components"]}


def test_the_bill_of_materials_has_every_package_of_the_run_time(bills: dict[str, Any]) -> None:
    locked = re.findall(r"^([\w.-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(locked) > 30
    bill = bills["python.cdx.json"]
    assert _packages(bill) == set(locked)
    assert bill["metadata"]["component"]["name"] == "gql-service"


def test_the_bill_of_materials_has_every_package_of_the_explorer(bills: dict[str, Any]) -> None:
    lock = json.loads((ROOT / "gql_service/frontend/package-lock.json").read_text())
    built = {
        (path.rpartition("node_modules/")[2], package["version"])
        for path, package in lock["packages"].items()
        if path and not package.get("dev")
    }
    assert len(built) > 50
    bill = bills["frontend.cdx.json"]
    components = [each for each in bill["components"] if DEVELOPMENT not in each["properties"]]
    assert _packages(bill | {"components": components}) == built


def test_every_lock_file_is_audited() -> None:
    require("make", shutil.which("make") is not None)
    planned = _make("--dry-run", "audit").stdout
    (arguments,) = re.findall(r"-m tools\.audit (.+)$", planned, re.MULTILINE)
    assert sorted(arguments.split()) == sorted(str(path.relative_to(ROOT)) for path in [*PYTHON, *NPM])


def _audit(folder: Path, pip_prints: str, npm_prints: str) -> subprocess.CompletedProcess[str]:
    """Audit a lock file of each kind with programs that print this, and succeed."""
    for name, text in (("pip-audit", pip_prints), ("npm", npm_prints)):
        (folder / f"{name}.txt").write_text(text)
        program = folder / name
        program.write_text(f"#!/bin/sh\ncat '{folder}/{name}.txt'\necho '{name} complains' >&2\n")
        program.chmod(0o755)
    command = [
        sys.executable,
        "-m",
        "tools.audit",
        "requirements.lock",
        "gql_service/frontend/package-lock.json",
    ]
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def _pip(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def _npm(**packages: object) -> str:
    return json.dumps({"auditReportVersion": 2, "vulnerabilities": packages})


def test_the_audit_succeeds_if_all_was_checked_and_nothing_found(tmp_path: Path) -> None:
    done = _audit(tmp_path, _pip(FINE), _npm())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "requirements.lock: 0 known vulnerabilities",
        "gql_service/frontend/package-lock.json: 0 known vulnerabilities",
    ]


def test_a_vulnerability_is_printed_and_fails_the_audit(tmp_path: Path) -> None:
    vulnerable = {"a": {"severity": "high", "via": [ADVISORY]}, "b": {"severity": "low", "via": ["a"]}}
    done = _audit(tmp_path, _pip(FINE, VULNERABLE), _npm(**vulnerable))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "requirements.lock: 1 known vulnerabilities",
        "  a 1.0: PYSEC-1, fixed in 1.1, 2.0",
        "gql_service/frontend/package-lock.json: 2 known vulnerabilities",
        "  a: high, Reads too much (https://advisories.example/1)",
        "  b: low, by a",
    ]
    assert _audit(tmp_path, _pip(FINE), _npm(**vulnerable)).returncode == 1
    assert _audit(tmp_path, _pip(VULNERABLE), _npm()).returncode == 1


@pytest.mark.parametrize("printed", [_pip(FINE, SKIPPED), _pip(), "", "null", "Traceback"])
def test_python_packages_that_could_not_be_checked_fail_the_audit(tmp_path: Path, printed: str) -> None:
    done = _audit(tmp_path, printed, _npm())
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("requirements.lock: NOT CHECKED: ")
    assert second.endswith(": 0 known vulnerabilities"), "the other lock files are checked all the same"


@pytest.mark.parametrize("printed", ['{"message": "405 Method Not Allowed", "error": {}}', "", "null"])
def test_npm_packages_that_could_not_be_checked_fail_the_audit(tmp_path: Path, printed: str) -> None:
    done = _audit(tmp_path, _pip(FINE), printed)
    assert done.returncode == 1
    assert "package-lock.json: NOT CHECKED: npm" in done.stdout


def test_a_missing_program_fails_the_audit(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": str(tmp_path)}
    command = [sys.executable, "-m", "tools.audit", "requirements.lock"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "NOT CHECKED" in done.stdout
