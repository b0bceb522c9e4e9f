"""The settings: each is documented, and an invalid value is rejected with a message."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gql_service.settings import Settings, settings_table

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


def test_the_readme_documents_every_setting_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(GQL_SERVICE_\w+)`", README, re.MULTILINE))
    assert documented == {f"GQL_SERVICE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_readme_has_the_default(name: str) -> None:
    default = Settings.model_fields[name].default
    documented = str(default).lower() if isinstance(default, bool) else str(default).removesuffix(".0")
    assert f"| `GQL_SERVICE_{name.upper()}` | `{documented}` |" in README


def test_the_table_in_the_documentation_is_the_generated_one() -> None:
    generated = re.findall(
        r"^<!-- Generated: .*-->\n(.*)\n<!-- End .*-->$", CONFIGURATION, re.MULTILINE | re.DOTALL
    )
    assert generated == [settings_table()]


def test_the_module_prints_the_table() -> None:
    command = [sys.executable, "-m", "gql_service.settings"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == settings_table() + "\n"
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_description(name: str) -> None:
    assert (Settings.model_fields[name].description or "").endswith(".")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GQL_SERVICE_MAX_METADATA_KEYS", "7")
    assert Settings().max_metadata_keys == 7


@pytest.mark.parametrize(
    ("url", "complete_url"),
    [
        ("sqlite:///data.sqlite3", "sqlite+aiosqlite:///data.sqlite3"),
        ("postgresql://a@b/c", "postgresql+asyncpg://a@b/c"),
        ("postgres://a@b/c", "postgresql+asyncpg://a@b/c"),
        ("postgresql+asyncpg://a@b/c", "postgresql+asyncpg://a@b/c"),
    ],
)
def test_a_database_url_may_leave_out_the_driver(url: str, complete_url: str) -> None:
    assert Settings(database_url=url).database_url == complete_url


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "sqlite:///", "data.sqlite3", ""]
)
def test_a_database_that_would_not_keep_data_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url=url)
