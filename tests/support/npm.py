"""The npm projects that the tests run."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import require

_PROJECTS = Path(__file__).parent.parent / "npm"


def npm_project(name: str, parent: Path = _PROJECTS) -> Path:
    """The folder of a project with its packages, which are installed again if its lock file changes."""
    require("Node (npm)", shutil.which("node") is not None and shutil.which("npm") is not None)
    project = parent / name
    lock, installed = project / "package-lock.json", project / "node_modules" / ".package-lock.json"
    with lock.open() as lock_file:  # one test process at a time
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            npm = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit"]
            done = subprocess.run(npm, cwd=project, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
    return project


def copy_npm_project(name: str, folder: Path, parent: Path = _PROJECTS) -> Path:
    """A copy of a project that programs may write into. Its packages are a link."""
    project = npm_project(name, parent)
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(project / "node_modules")
    return folder


def run_npm_program(project: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages of a project to its end; its output has no colours."""
    command = [str(project / "node_modules" / ".bin" / name), *arguments]
    env = os.environ | {"NO_COLOR": "1"}
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=120)
