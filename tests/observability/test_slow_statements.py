"""Slow SQL statements are logged by name, on both databases, and without values."""

import json
from pathlib import Path

from tests.support.cli_processes import serving_process
from tests.support.http_clients import http_client
from tests.support.service import wait_until
from tests.support.shop import new_shop

SECRET = "s3cret-value"
PATH = "/api/core/users/platform-metadata/?platform_key=shop"


def test_slow_statements_are_warnings_without_values(fresh_database_url: str, tmp_path: Path) -> None:
    """At one millisecond, a long search and the commit of a large document are slow on any machine."""
    url = fresh_database_url
    token = new_shop(url)
    large = {"metadata": {f"key-{number}": SECRET * 20 for number in range(1500)}}
    slow = {"GQL_SERVICE_SLOW_STATEMENT": "1"}
    with serving_process(tmp_path, url, extra=slow) as server, http_client(server.url) as client:
        headers = {"Authorization": f"Token {token}", "X-Request-Id": "the-slow-one"}

        def found() -> list[str]:
            assert client.put(PATH, json=large, headers=headers).status_code == 200
            large["metadata"]["key-0"] += SECRET
            lines = [line for line in server.output.splitlines() if '"slow statement"' in line]
            return [line for line in lines if "the-slow-one" in line]

        wait_until(lambda: bool(found()))
        lines = [json.loads(line) for line in found()]
        assert SECRET not in server.output
    for line in lines:
        assert line["level"] == "warning"
        assert line["duration_ms"] >= 1
        assert line["statement"].split()[0] in ("commit", "connect", "SELECT", "INSERT", "UPDATE", "DELETE")
