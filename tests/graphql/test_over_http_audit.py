"""GraphQL over HTTP: the audits of the npm package `graphql-http`."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import require
from tests.support.service import Service

PROJECT = Path(__file__).parent.parent / "npm" / "graphql-http-audit"

class Audit(NamedTuple):
    id: str
    name: str
    status: str
    reason: str | None


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the suite with its packages, which are installed again if the lock file changes."""
    require("Node (npm)", shutil.which("node") is not None and shutil.which("npm") is not None)
    lock, installed = PROJECT / "package-lock.json", PROJECT / "node_modules" / ".package-lock.json"
    with lock.open() as held:  # one test process at a time
        fcntl.flock(held, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            npm = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit"]
            done = subprocess.run(npm, cwd=PROJECT, capture_output=True, text=True, timeout=180)
            assert done.returncode == 0, done.stderr
    return PROJECT


@pytest.fixture(scope="session")
def audits(project: Path, service: Service) -> list[Audit]:
    output = subprocess.run(
        ["node", "audit.mjs", f"{service.url}/graphql"],
        cwd=project,
        check=True,
        stdout=subprocess.PIPE,
        timeout=60,
    ).stdout
    return [Audit(**each) for each in json.loads(output)]


def test_every_audit_is_met(audits: list[Audit]) -> None:
    # The audit 80D8 is about requests without `Accept`, but Node adds `Accept: */*`. Without the header,
    # the specification wants application/graphql-response+json since 2025-01-01 ("Legacy watershed").
    assert [audit for audit in audits if audit.status != "ok"] == []
    assert len(audits) == 61


def test_mutations_are_refused_by_get(audits: list[Audit]) -> None:
    # The suite calls this a MAY, since it does not know whether a server answers GET at all; ours does.
    assert [audit.status for audit in audits if audit.id == "9C48"] == ["ok"]
