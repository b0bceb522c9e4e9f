"""`make audit`: checks lock files for packages with known vulnerabilities, with pip-audit and `npm audit`.

Both programs ask an advisory service. pip-audit succeeds even if the service knows none of the packages.
Here, a lock file of which a part could not be checked is a failure.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

_PIP_AUDIT = ["pip-audit", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
_NPM_AUDIT = ["npm", "audit", "--package-lock-only", "--json"]


class Unchecked(Exception):
    """The packages of a lock file could not be checked, or not all of them. The message says why."""


class Finding(NamedTuple):
    """A package with a known vulnerability."""

    package: str
    advisory: str


def main(lock_files: list[str]) -> int:
    """Print the result for each lock file. The exit code is 0 if all were checked and nothing was found."""
    failed = False
    for name in lock_files:
        try:
            findings = check(Path(name))
        except Unchecked as reason:
            failed = True
            print(f"{name}: NOT CHECKED: {reason}")
            continue
        failed = failed or bool(findings)
        print(f"{name}: {len(findings)} known vulnerabilities")
        for finding in findings:
            print(f"  {finding.package}: {finding.advisory}")
    return 1 if failed else 0


def check(lock_file: Path) -> list[Finding]:
    """The vulnerable packages of a lock file of pip or npm. Raises Unchecked."""
    if lock_file.suffix == ".json":
        return _npm_findings(_run(_NPM_AUDIT, lock_file.parent))
    return _pip_findings(_run([*_PIP_AUDIT, f"--requirement={lock_file.name}"], lock_file.parent))


def _run(command: list[str], folder: Path) -> dict[str, Any]:
    """What a program prints as JSON. Its exit code does not tell findings from errors."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unchecked(str(error)) from None
    try:
        report = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines() or ["it printed nothing"]
        raise Unchecked(f"{command[0]} failed: {lines[-1]}") from None
    if not isinstance(report, dict):
        raise Unchecked(f"{command[0]} printed no report")
    return report


def _pip_findings(report: dict[str, Any]) -> list[Finding]:
    packages = report.get("dependencies", [])
    skipped = [each["skip_reason"] for each in packages if "skip_reason" in each]
    if skipped:
        raise Unchecked(f"{len(skipped)} of {len(packages)} packages, such as: {skipped[0]}")
    if not packages:
        raise Unchecked("pip-audit found no packages")
    return [
        Finding(f"{each['name']} {each['version']}", f"{found['id']}, fixed in {_versions(found)}")
        for each in packages
        for found in each["vulns"]
    ]


def _versions(found: dict[str, Any]) -> str:
    return ", ".join(found["fix_versions"]) or "no version"


def _npm_findings(report: dict[str, Any]) -> list[Finding]:
    if "vulnerabilities" not in report:
        raise Unchecked(f"npm audit failed: {report.get('message') or report.get('error')}")
    return [
        Finding(name, f"{found['severity']}, {_source(via)}")
        for name, found in report["vulnerabilities"].items()
        for via in found["via"]
    ]


def _source(via: str | dict[str, Any]) -> str:
    """The advisory, or the package that brings the vulnerable one."""
    return f"by {via}" if isinstance(via, str) else f"{via['title']} ({via['url']})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
