"""The command `config`: the effective settings, and where each comes from."""

from typing import Any

from pydantic import SecretBytes, SecretStr

from gql_service.cli import runner
from gql_service.cli.database_url import HIDDEN, with_hidden_password
from gql_service.cli.output import AsJson, Json, table_of
from gql_service.settings import PREFIX

_HEADINGS = {"name": "variable", "value": "value", "source": "from"}


def config(as_json: AsJson = False) -> None:
    """Print the effective settings, and where each comes from.

    That is either the environment or the default. Passwords and encryption
    keys are hidden. Commands and servers have the same settings if they have
    the same environment.
    """
    settings = runner.settings()
    with table_of(_HEADINGS, as_json=as_json) as add_row:
        for name in type(settings).model_fields:
            row: Json = {
                "name": f"{PREFIX}{name.upper()}",
                "value": _without_secrets(getattr(settings, name)),
                "source": "environment" if name in settings.model_fields_set else "default",
            }
            add_row(row)


def _without_secrets(value: Any) -> Any:
    """The value of a setting as JSON, with a placeholder for each secret."""
    if isinstance(value, SecretBytes | SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return {key: _without_secrets(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return with_hidden_password(str(value))
