"""The Makefile: bare `make` prints its targets."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("arguments", [(), ("help",)])
def test_make_prints_every_target(arguments: tuple[str, ...]) -> None:
    require("make", shutil.which("make") is not None)
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    targets = dict(re.findall(r"^  ([a-z-]+) +(\S.+)$", done.stdout, re.MULTILINE))
    assert targets.keys() == set(phony.split())
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
