"""The settings: each is documented, and an invalid value is rejected with a message."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gql_service.settings import Settings, settings_table

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


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


ISSUER: dict[str, Any] = {"oidc_issuer": "https://login.example.com/realms/a", "oidc_audience": "api"}


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"oidc_issuer": "http://login.example.com"}, "oidc_issuer", "use an https URL"),
        ({"oidc_issuer": "login.example.com"}, "oidc_issuer", "use an https URL"),
        ({"oidc_issuer": "https://"}, "oidc_issuer", "use an https URL"),
        ({"oidc_issuer": "https://a@login.example.com"}, "oidc_issuer", "without a query"),
        ({"oidc_issuer": "https://login.example.com?a=b"}, "oidc_issuer", "without a query"),
        ({"oidc_audience": None}, "oidc_audience", "set the audience"),
        ({"oidc_issuer": None}, "oidc_audience", "this needs GQL_SERVICE_OIDC_ISSUER"),
        ({"oidc_issuer": None, "oidc_audience": None, "oidc_client_id": "c"}, "oidc_client_id", "this needs"),
        ({"oidc_resource": "api"}, "oidc_resource", "use an https URL"),
        ({"oidc_algorithms": "HS256"}, "oidc_algorithms", "use one or more of RS256"),
        ({"oidc_algorithms": "RS256,none"}, "oidc_algorithms", "use one or more of RS256"),
        ({"oidc_algorithms": ""}, "oidc_algorithms", "use one or more of RS256"),
        ({"oidc_clock_skew": 301}, "oidc_clock_skew", "less than or equal to 300"),
        ({"oidc_link_claim": "email"}, "oidc_tenant", "set the tenant"),
        ({"oidc_create_claim": "name"}, "oidc_tenant", "set the tenant"),
    ],
    ids=str,
)
def test_an_issuer_that_cannot_be_trusted_is_refused(
    changes: dict[str, Any], name: str, message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**ISSUER | changes)
    assert [(error["loc"], message in error["msg"]) for error in refused.value.errors()] == [((name,), True)]


def test_an_issuer_needs_no_more_than_an_audience() -> None:
    settings = Settings(**ISSUER)
    assert settings.oidc_algorithms == ("RS256", "ES256", "EdDSA")
    assert Settings(**ISSUER | {"oidc_issuer": "http://127.0.0.1:8080"}).oidc_issuer
    assert Settings(**ISSUER | {"oidc_algorithms": "ES256, EdDSA"}).oidc_algorithms == ("ES256", "EdDSA")


def test_what_verifies_jwts_is_only_imported_for_an_issuer() -> None:
    """Importing it takes time, which every worker and command would spend."""
    code = "import sys, gql_service.app; print(sorted({'jwt', 'httpx'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
