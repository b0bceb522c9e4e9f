"""Reads the options of `user update`. An invalid option ends the command with a message."""

from collections.abc import Mapping, Sequence
from typing import Any

from gql_service import strict_json
from gql_service.cli.runner import exit_with_error
from gql_service.domain.users import provisioning
from gql_service.domain.users.profiles import OptInDecision

_VISIBILITIES = ("tenant", "private")


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are present. An empty text means null for a field that can be null."""
    found = {name: value for name, value in options.items() if value is not None}
    return {
        name: None if value == "" and name in provisioning.NULLABLE else value
        for name, value in found.items()
    }


def json_object(option: str, text: str | None) -> dict[str, Any] | None:
    """An option that holds a JSON object."""
    if text is None:
        return None
    try:
        value = strict_json.loads(text.encode())
    except strict_json.InvalidJson as error:
        exit_with_error(f"{option}: {error}")
    if not isinstance(value, dict):
        exit_with_error(f"{option} must be a JSON object.")
    return value


def profile_fields(text: str | None, fields: Sequence[str] | None) -> dict[str, Any] | None:
    """The fields of a JSON object, and of options `NAME=VALUE` or `NAME=VALUE:VISIBILITY`, which win."""
    found = json_object("--profile-fields", text) or {}
    for field in fields or ():
        name, value = _assignment("--profile-field", field)
        before, separator, visibility = value.rpartition(":")
        if separator and visibility in _VISIBILITIES:
            found[name] = {"visibility": visibility} | ({"value": before} if before else {})
        else:
            found[name] = {"value": value} if value else {}
    return found or None


def decisions(options: Sequence[str], now: int) -> list[OptInDecision]:
    """The decisions of options `NAME=true` and `NAME=false`, made now."""
    found = []
    for option in options:
        name, value = _assignment("--opt-in", option)
        if value not in ("true", "false"):
            exit_with_error(f"--opt-in: write {name}=true or {name}=false.")
        found.append(OptInDecision(name, value == "true", now))
    return found


def permissions(held: Sequence[str], granted: Sequence[str] | None, taken: Sequence[str] | None) -> list[str]:
    """The permissions of a user after the change. Removing one that they do not have is an error."""
    if missing := [permission for permission in taken or () if permission not in held]:
        exit_with_error(f"--remove-permission: the user does not have {missing[0]}.")
    return [permission for permission in [*held, *(granted or ())] if permission not in (taken or ())]


def _assignment(option: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        exit_with_error(f"{option}: {text!r} is not NAME=VALUE.")
    return name, value
