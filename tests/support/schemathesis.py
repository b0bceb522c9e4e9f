"""schemathesis: sends requests that an OpenAPI document allows or forbids, and checks the responses.

It has an environment of its own, because it needs another jsonschema-rs than the service; see the Makefile.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from tests.conftest import require

_PROGRAMS = Path(sys.prefix) / "schemathesis" / "bin"
_PATIENCE = 300


def openapi_schema() -> Any:
    """The JSON Schema of OpenAPI 3.1 documents, which schemathesis contains."""
    code = (
        "import json; from schemathesis.specs.openapi.definitions import OPENAPI_31; "
        "print(json.dumps(OPENAPI_31))"
    )
    return json.loads(_run("python", "-c", code).stdout)


def check(
    url: str, folder: Path, configuration: str, *, token: str, mode: Literal["positive", "negative"]
) -> None:
    """Send requests that are allowed (`positive`) or not, as a caller, with all checks.

    Fails with the report of what is wrong. For each operation there are some random requests, and some dozens
    that are systematic. In one run, schemathesis takes values for valid that it has made up as invalid.
    """
    file = folder / "schemathesis.toml"
    file.write_text(configuration)
    done = _run(
        *("schemathesis", "--config-file", str(file), "run", f"{url}/openapi.json", "--checks", "all"),
        *("--header", f"Authorization: Token {token}", "--mode", mode, "--max-examples", "15"),
        *("--seed", "1", "--generation-database", "none", "--output-sanitize", "false", "--no-color"),
        folder=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 selected / 7 total" in done.stdout, done.stdout


def _run(program: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    require("schemathesis (make test-clients)", (_PROGRAMS / "schemathesis").exists())
    command = [str(_PROGRAMS / program), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE)
