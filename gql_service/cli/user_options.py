"""The options that set the fields of a user, derived from `USER_FIELDS`; invalid values end the command.

A text or flag is one option. A JSON object is an option that takes JSON. Fields of other types, and profile
fields, have options of their own.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any

import typer

from gql_service import strict_json
from gql_service.cli.output import exit_with_error
from gql_service.domain.users.fields import REQUIRED, USER_FIELDS, FieldType, UserField
from gql_service.domain.users.profiles import PRIVATE, TENANT, OptInDecision

_OPTIONS = {
    "is_platform_owner": "platform_owner",
    "last_seen_release_version": "release_version",
    "permissions": "permission",
    "personal_agent_permissions": "agent_permissions",
    "opt_in_decisions": "opt_in",
}
"""The options whose names differ from those of their columns."""

_TYPES: dict[FieldType, Any] = {
    FieldType.TEXT: str | None,
    FieldType.BOOLEAN: bool | None,
    FieldType.OBJECT: str | None,
    FieldType.TEXTS: list[str] | None,
    FieldType.DECISIONS: list[str] | None,
}
_METAVARS = {
    FieldType.TEXT: "TEXT",
    FieldType.OBJECT: "JSON",
    FieldType.TEXTS: "PERMISSION",
    FieldType.DECISIONS: "DECISION",
}
_REPEATABLE = " Can be repeated."
_PROFILE_FIELD = (
    "Profile field as NAME=VALUE, NAME=VALUE:private or NAME=VALUE:tenant; `email` has only a visibility: "
    f"email=:tenant.{_REPEATABLE}"
)
_REMOVE_PERMISSION = f"TENANT_ID::PERMISSION to remove.{_REPEATABLE}"


class FieldOptions:
    """The values of the options that set fields, by the names of the options; None for absent options."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def changes(self, current_permissions: Sequence[str], now: int) -> dict[str, Any]:
        """The fields to set, by their columns, with decisions made `now`."""
        values = {column: self._read(field, now) for column, field in USER_FIELDS.items()}
        values["profile_fields"] = self._profile_fields(values["profile_fields"])
        values["permissions"] = self._permissions(current_permissions)
        return {
            column: None if value == "" and USER_FIELDS[column].nullable else value
            for column, value in values.items()
            if value is not None
        }

    def _read(self, field: UserField, now: int) -> Any:
        value = self._values[_parameter_name(field)]
        if value is None:
            return None
        match field.type:
            case FieldType.OBJECT:
                return _json_object(option_of(field), value)
            case FieldType.DECISIONS:
                return [_decision(option_of(field), text, now) for text in value]
            case _:
                return value

    def _profile_fields(self, fields: dict[str, Any] | None) -> dict[str, Any] | None:
        single = [_profile_field(text) for text in self._values["profile_field"] or ()]
        return {**(fields or {}), **dict(single)} if fields or single else None

    def _permissions(self, current: Sequence[str]) -> list[str] | None:
        granted, removed = self._values["permission"] or [], self._values.get("remove_permission") or []
        if missing := [permission for permission in removed if permission not in current]:
            exit_with_error(f"--remove-permission: the user does not have {missing[0]}.")
        if not (granted or removed):
            return None
        return [permission for permission in [*current, *granted] if permission not in removed]


def option_of(field: UserField) -> str:
    """The option that sets a field, such as `--release-version`."""
    return f"--{_parameter_name(field).replace('_', '-')}"


def create_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that creates users the options of all fields, as its argument `options`."""
    return _with_options(command, [_parameter(field, is_new=True) for field in USER_FIELDS.values()])


def update_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that changes users the options of all fields, as its argument `options`."""
    remove = _keyword("remove_permission", list[str] | None, _REMOVE_PERMISSION, "PERMISSION")
    return _with_options(command, [*map(_parameter, USER_FIELDS.values()), remove])


def _with_options(command: Callable[..., None], options: Sequence[Parameter]) -> Callable[..., None]:
    """Replace the parameter `options` of a command by these parameters, which Typer turns into options."""
    options = [*options, _keyword("profile_field", list[str] | None, _PROFILE_FIELD, "FIELD")]
    signature = inspect.signature(command)
    own = [parameter for name, parameter in signature.parameters.items() if name != "options"]

    @wraps(command)
    def run(**arguments: Any) -> None:
        values = {option.name: arguments.pop(option.name) for option in options}
        command(options=FieldOptions(values), **arguments)

    run.__dict__["__signature__"] = signature.replace(parameters=[*own, *options])
    return run


def _parameter(field: UserField, *, is_new: bool = False) -> Parameter:
    help = field.description
    if field.nullable:
        help += " An empty text clears it."
    if field.type is FieldType.OBJECT:
        help = help.removesuffix(".") + "; null removes one."
    if field.type in (FieldType.TEXTS, FieldType.DECISIONS):
        help += _REPEATABLE
    if is_new and field.default is REQUIRED:
        return _keyword(_parameter_name(field), str, help, "TEXT", default=Parameter.empty)
    return _keyword(_parameter_name(field), _TYPES[field.type], help, _METAVARS.get(field.type))


def _keyword(name: str, type_: Any, help: str, metavar: str | None, default: Any = None) -> Parameter:
    annotation = Annotated[type_, typer.Option(help=help, metavar=metavar)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _parameter_name(field: UserField) -> str:
    return _OPTIONS.get(field.column, field.column)


def _json_object(option: str, text: str) -> dict[str, Any]:
    try:
        value = strict_json.loads(text.encode())
    except strict_json.InvalidJson as error:
        exit_with_error(f"{option}: {error}")
    if not isinstance(value, dict):
        exit_with_error(f"{option} must be a JSON object.")
    return value


def _profile_field(text: str) -> tuple[str, dict[str, Any]]:
    """A profile field as its name and object, from `NAME=VALUE` or `NAME=VALUE:VISIBILITY`."""
    name, value = _assignment("--profile-field", text)
    before, separator, visibility = value.rpartition(":")
    if separator and visibility in (TENANT, PRIVATE):
        return name, {"visibility": visibility} | ({"value": before} if before else {})
    return name, {"value": value} if value else {}


def _decision(option: str, text: str, now: int) -> OptInDecision:
    """A decision from `NAME=true` or `NAME=false`."""
    name, value = _assignment(option, text)
    if value not in ("true", "false"):
        exit_with_error(f"{option}: write {name}=true or {name}=false.")
    return OptInDecision(name, value == "true", now)


def _assignment(option: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        exit_with_error(f"{option}: {text!r} is not NAME=VALUE.")
    return name, value
