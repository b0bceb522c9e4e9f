"""Follows a document like a new user: runs its snippets in order, against the server of `make serve`.

- A `sh` block is run by a shell that has the variables of the blocks before it, and must succeed. `curl`
  fails for responses with an HTTP error status.
- A `graphql` block is sent with the token that the text before it names last: the member's or the admin's.
  It must not have errors. A block that begins with `graphql rejected=CODE` must have a user error of that
  code.
- A block of `json variables` has the variables for the next `graphql` block.
- Any other `json` block directly after one of these is what it prints or returns; "…" stands for any value.
- A `text` block directly after a `sh` block is what it prints.

The documents contain the default address of `make serve` and names for its tokens. What it printed replaces
them.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.support.cli_processes import free_port

ROOT = Path(__file__).parent.parent.parent
START = "make serve"
"""The block that starts the server."""
ADDRESS = "http://127.0.0.1:8000"
MEMBER_TOKEN, ADMIN_TOKEN = "paste-the-members-token", "paste-the-admins-token"
_TIMEOUT = 120
_FENCE = re.compile(r"^```(\w*) ?(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a document, and the text between it and the block before it."""

    language: str
    options: str
    text: str
    introduction: str


def blocks_of(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text()
    blocks, end = [], 0
    for match in _FENCE.finditer(text):
        blocks.append(Block(match[1], match[2], match[3], text[end : match.start()]))
        end = match.end()
    return blocks


class DemoServer(NamedTuple):
    """The server of `make serve`, the folder it runs in, and the tokens that it has printed."""

    address: str
    member_token: str
    admin_token: str
    folder: Path

    def fill_in(self, text: str) -> str:
        """A snippet with the address and the tokens of this server."""
        for placeholder, value in (
            (ADDRESS, self.address),
            (MEMBER_TOKEN, self.member_token),
            (ADMIN_TOKEN, self.admin_token),
        ):
            text = text.replace(placeholder, value)
        return text


@contextmanager
def make_serve(folder: Path, **variables: str) -> Iterator[DemoServer]:
    """Run `make serve` in an empty folder, where everything is installed already, with these variables."""
    program = folder / ".venv" / "bin" / "gql-service"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gql_service "$@"\n')
    program.chmod(0o755)
    address = f"http://127.0.0.1:{free_port()}"
    output = folder / "output"
    # -o: these need not be made, for this Python has everything installed.
    command = ["make", "-f", str(ROOT / "Makefile"), "-o", ".venv/.runtime", "-o", "pages", "serve"]
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [*command, f"PORT={address.rpartition(':')[2]}"],
            cwd=folder,
            env=_environment(folder) | variables,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, address, output)
        printed = output.read_text()
        assert f"{address}/graphql" in printed
        yield DemoServer(
            address,
            _printed(r"Member's token +(\S+)", printed),
            _printed(r"Admin's token +(\S+)", printed),
            folder,
        )
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_document(document: Path, server: DemoServer) -> None:
    """Run all snippets of a document in order. Raises AssertionError for the first that does not work."""
    token, result, variables = "", "", "{}"
    for block in blocks_of(document):
        names = re.findall(r"(member|admin)'s token", block.introduction)
        if names:
            token = server.member_token if names[-1] == "member" else server.admin_token
        text, where = server.fill_in(block.text), f"{document.name}:\n{block.text}"
        if block.language == "sh" and block.text.strip() != START:
            result = _run_in_shell(text, server.folder)
        elif block.language == "graphql":
            assert token, f"no token was named before this block of {where}"
            rejected = block.options.removeprefix("rejected=")
            request = {"query": text, "variables": json.loads(variables)}
            result, variables = json.dumps(_send(request, token, server.address, rejected, where)), "{}"
        elif block.options == "variables":
            variables = text
        elif block.language == "json" and not block.introduction.strip():
            assert matches(json.loads(text), json.loads(result)), f"{where}\nis not\n{result}"
        elif block.language == "text" and not block.introduction.strip():
            assert text.strip() == result.strip(), f"{where}\nis not\n{result}"


def matches(expected: Any, actual: Any) -> bool:
    """Whether a documented result is the actual one; "…" stands for any value."""
    if expected == "…":
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            matches(expected[key], actual[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(matches, expected, actual))
    return type(expected) is type(actual) and bool(expected == actual)


def _environment(folder: Path) -> dict[str, str]:
    """This process's environment, in which `curl` fails for HTTP errors, and shows their body."""
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    return os.environ | {"CURL_HOME": str(folder), "PYTHONUNBUFFERED": "1"}


def _run_in_shell(text: str, folder: Path) -> str:
    """Run a block, with the variables of earlier blocks; returns what it prints."""
    variables = folder / "variables.sh"
    variables.touch()
    script = f"set -eu\n. {variables}\nset -a\n{text}\nexport -p > {variables}\n"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    # The shell does not notice that the first command of a pipe has failed; its result is empty then.
    empty = re.findall(r"""^export (\w+)=(?:''|"")$""", variables.read_text(), re.MULTILINE)
    assert not {name for name in empty if re.search(rf"^{name}=", text, re.MULTILINE)}, text
    return done.stdout


def _send(request: Any, token: str, address: str, rejected: str, where: str) -> Any:
    """Send a GraphQL request; returns `data`."""
    headers = {"Authorization": f"Bearer {token}"}
    response = httpx.post(f"{address}/graphql", json=request, headers=headers, timeout=_TIMEOUT)
    body = response.json()
    if request["query"].lstrip().startswith("subscription"):
        # It is valid if no more is wrong than that a plain request cannot subscribe.
        assert "Subscriptions need" in body["errors"][0]["message"], f"{where}\n{body}"
        return {}
    assert response.status_code == 200, f"{where}\n{body}"
    assert "errors" not in body, f"{where}\n{body}"
    codes = [error["code"] for error in _user_errors(body["data"])]
    assert codes == ([rejected] if rejected else []), f"{where}\n{body}"
    return body["data"]


def _user_errors(value: Any) -> Iterator[Any]:
    """All items of the lists `userErrors` in a result."""
    if isinstance(value, dict):
        yield from value.get("userErrors") or []
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _user_errors(child)


def _printed(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text)
    return str(found)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, output: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        try:
            if httpx.get(f"{address}/health/ready", timeout=_TIMEOUT).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready after {_TIMEOUT} s:\n{output.read_text()}")
