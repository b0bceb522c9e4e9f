"""Checks of the values that user fields may hold, and the merging of fields that change in parts.

Every function returns the value to store. It raises Rejected, naming the field by its column.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from gql_service.domain.users.profiles import (
    MAX_NAME,
    PRIVATE,
    TENANT,
    Json,
    OptInDecision,
    is_short_text,
)
from gql_service.errors import Problem, Rejected
from gql_service.instants import is_instant
from gql_service.quoting import quoted

MAX_ITEMS, _MAX_TEXT, _MAX_VERSION, MAX_PERMISSIONS = 100, 2000, 64, 1000
_EMAIL = re.compile(r"[^\s@\0]{1,64}@[^\s@\0]{1,255}")
_IMAGE = re.compile(r"https?://[^\s\0]{1,2000}")
_PERMISSION = re.compile(r"[A-Za-z0-9_-]{1,64}::[^\s:\0]{1,128}")
_INSTANT = "whole milliseconds since 1970, from 0 and below 2^53"


def check_email(value: str) -> str:
    """An email address: its shape only, not whether it can receive mail."""
    if not _EMAIL.fullmatch(value):
        _refuse("email", f"{quoted(value)} is not an email address.")
    return value


def check_image(value: str | None) -> str | None:
    """The URL of an image, or null."""
    if value is not None and not _IMAGE.fullmatch(value):
        _refuse("image", "An image must be a URL that begins with http:// or https://.")
    return value


def check_language(value: str | None) -> str | None:
    """An ISO 639-1 language code, or null."""
    if value is not None and value not in LANGUAGES:
        _refuse("language", f"{quoted(str(value))} is not an ISO 639-1 language code, such as `de` or `en`.")
    return value


def check_version(value: str | None) -> str | None:
    """A release version, or null."""
    if value is not None and not is_short_text(value, _MAX_VERSION):
        _refuse("last_seen_release_version", f"A release version is 1 to {_MAX_VERSION} characters.")
    return value


def check_permissions(value: Sequence[str]) -> list[str]:
    """Permissions without repetitions, in their order."""
    for permission in value:
        if not _PERMISSION.fullmatch(permission):
            _refuse(
                "permissions", f"{quoted(permission)} is not a permission of the form TENANT_ID::PERMISSION."
            )
    if len(value) > MAX_PERMISSIONS:
        _refuse("permissions", f"A user has at most {MAX_PERMISSIONS} permissions.")
    return list(dict.fromkeys(value))


def merge_profile_fields(current: Json, changes: Json) -> Json:
    """Set profile fields by name; null removes one."""
    return _merge("profile_fields", current, changes, _check_profile_field)


def merge_recent_projects(current: Json, changes: Json) -> Json:
    """Set when projects were last opened, by project id; null removes one."""
    return _merge("recent_projects", current, changes, _check_recent_project)


def merge_agent_permissions(current: Json, changes: Json) -> Json:
    """Set the permissions of the user's agent, by project id; null removes those of a project."""
    return _merge("personal_agent_permissions", current, changes, _check_agent_permissions)


def merge_decisions(current: list[OptInDecision], changes: list[OptInDecision]) -> list[OptInDecision]:
    """Set decisions by name; those of other names stay."""
    for decision in changes:
        if not is_short_text(decision.name, MAX_NAME):
            _refuse("opt_in_decisions", f"The name of a decision is 1 to {MAX_NAME} characters.")
        if not is_instant(decision.decided_at):
            _refuse("opt_in_decisions", f"The instant of the decision `{decision.name}` must be {_INSTANT}.")
    merged = {decision.name: decision for decision in [*current, *changes]}
    if len(merged) > MAX_ITEMS:
        _refuse("opt_in_decisions", f"There would be {len(merged)} decisions; {MAX_ITEMS} are allowed.")
    return list(merged.values())


def _merge(column: str, current: Json, changes: Json, check: Callable[[str, Any], None]) -> Json:
    if len(changes) > 2 * MAX_ITEMS:  # before the work that each takes; as many can be removed as added
        _refuse(column, f"There are {len(changes)} names; {2 * MAX_ITEMS} can be changed at once.")
    for name, value in changes.items():
        if not is_short_text(name, MAX_NAME):
            _refuse(column, f"A name is 1 to {MAX_NAME} characters.")
        if value is not None:
            check(name, value)
    merged = {name: value for name, value in (current | changes).items() if value is not None}
    if len(merged) > MAX_ITEMS:
        _refuse(column, f"There would be {len(merged)} names; {MAX_ITEMS} are allowed.")
    return merged


def _check_profile_field(name: str, field: object) -> None:
    if not isinstance(field, Mapping) or not field.keys() <= {"value", "visibility"}:
        _refuse("profile_fields", f"`{name}` must be an object with `value` and `visibility`.")
    if field.get("visibility", TENANT) not in (TENANT, PRIVATE):
        _refuse("profile_fields", f"The visibility of `{name}` must be `{TENANT}` or `{PRIVATE}`.")
    value = field.get("value")
    if name == "email" and "value" in field:
        _refuse("profile_fields", "`email` has only a visibility: the address itself is the user's `email`.")
    if isinstance(value, Mapping | list) or (isinstance(value, str) and len(value) > _MAX_TEXT):
        _refuse("profile_fields", f"The value of `{name}` must be a number, a boolean, or a text of at most "
                f"{_MAX_TEXT} characters.")  # fmt: skip


def _check_recent_project(id: str, opened_at: object) -> None:
    if not is_instant(opened_at):
        _refuse("recent_projects", f"The instant at which `{id}` was opened must be {_INSTANT}.")


def _check_agent_permissions(id: str, types: object) -> None:
    valid = (
        isinstance(types, Mapping)
        and len(types) <= MAX_ITEMS
        and all(is_short_text(type_, MAX_NAME) and _is_agent_permission(types[type_]) for type_ in types)
    )
    if not valid:
        _refuse(
            "personal_agent_permissions",
            f'`{id}` must map types to objects such as {{"read": true, "write": false}}: '
            f"at most {MAX_ITEMS} types, each of 1 to {MAX_NAME} characters.",
        )


def _is_agent_permission(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == {"read", "write"}
        and all(isinstance(allowed, bool) for allowed in value.values())
    )


def _refuse(column: str, message: str) -> NoReturn:
    raise Rejected(Problem.INVALID_VALUE, message, (column,))


_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz "
    "ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii "
    "ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi "
    "mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw "
    "sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk "
    "ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_CODES.split())
"""The language codes of ISO 639-1."""
