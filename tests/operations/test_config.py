"""`config` prints the effective settings, where each comes from, and no secret."""

import base64
import json
from typing import Any

import pytest

from gql_service.settings import Settings
from tests.support.cli_processes import command

SQLITE = "sqlite+aiosqlite:///data.sqlite3"
KEY = base64.b64encode(b"k" * 32).decode()


def configured(url: str, **settings: str) -> dict[str, Any]:
    done = command(url, "config", "--json", **settings)
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_every_setting_is_there_with_its_source() -> None:
    rows = configured(SQLITE, max_metadata_keys="7", cors_origins='["https://a.example"]')
    assert list(rows) == [f"GQL_SERVICE_{name.upper()}" for name in Settings.model_fields]
    assert rows["GQL_SERVICE_MAX_METADATA_KEYS"] == {
        "name": "GQL_SERVICE_MAX_METADATA_KEYS",
        "value": 7,
        "source": "environment",
    }
    assert rows["GQL_SERVICE_CORS_ORIGINS"]["value"] == ["https://a.example"]
    assert rows["GQL_SERVICE_MAX_KEY_LENGTH"]["source"] == "default"
    assert rows["GQL_SERVICE_SECURITY_LOG"]["value"] is None
    assert rows["GQL_SERVICE_DATABASE_URL"]["value"] == SQLITE


def test_a_row_for_people_has_the_variable_the_value_and_the_source() -> None:
    lines = command(SQLITE, "config", max_metadata_keys="7").stdout.splitlines()
    assert "GQL_SERVICE_MAX_METADATA_KEYS\t7\tenvironment" in lines
    assert "GQL_SERVICE_EXPLORER\ttrue\tdefault" in lines


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql://joe:s3cret@db/app", "postgresql+asyncpg://joe:***@db/app"),
        ("postgresql://joe@db/app", "postgresql+asyncpg://joe@db/app"),
        ("postgresql://db/app", "postgresql+asyncpg://db/app"),
        ("postgresql://joe:s3cret@a:1,b:2/app", "postgresql+asyncpg://joe:***@a:1,b:2/app"),
        ("postgresql://joe:s3c@s3cret@db/app", "postgresql+asyncpg://joe:***@db/app"),
        ("postgresql://joe:s3cret/s3cret@db/app?a=b", "postgresql+asyncpg://joe:***@db/app?a=b"),
        (
            "postgresql://db/app?user=joe&password=s3cret&sslpassword=s3cret&sslmode=require",
            "postgresql+asyncpg://db/app?user=joe&password=***&sslpassword=***&sslmode=require",
        ),
    ],
)
def test_the_password_of_the_database_is_hidden(url: str, printed: str) -> None:
    for form in ((), ("--json",)):
        done = command(url, "config", *form)
        assert done.returncode == 0, done.stderr
        assert printed in done.stdout
        assert "s3c" not in done.stdout + done.stderr


def test_encryption_keys_are_named_and_hidden() -> None:
    keys = json.dumps({"old": KEY, "new": KEY})
    for form in ((), ("--json",)):
        output = command(SQLITE, "config", *form, encryption_keys=keys).stdout
        assert KEY not in output
        assert "kkkk" not in output
    rows = configured(SQLITE, encryption_keys=keys)
    assert rows["GQL_SERVICE_ENCRYPTION_KEYS"]["value"] == {"old": "***", "new": "***"}


def test_invalid_settings_are_reported_as_by_other_commands() -> None:
    done = command(SQLITE, "config", max_key_length="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("gql-service: GQL_SERVICE_MAX_KEY_LENGTH: ")
