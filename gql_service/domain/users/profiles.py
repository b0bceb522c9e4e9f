"""What users may store about themselves: the shapes of its parts, checked on write and, where rules depend
on them, on read.

A profile field is `{"value": …, "visibility": "tenant" | "private"}`. Both are optional: without a
visibility other members of the user's tenants see the field, except `email`, which has no value of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from gql_service.domain.values.refusals import reject_value
from gql_service.errors import MalformedData
from gql_service.instants import is_instant
from gql_service.quoting import quoted

_MAX_FIELDS, _MAX_NAME, _MAX_TEXT = 100, 100, 2000
_TENANT, _PRIVATE = "tenant", "private"

Json = dict[str, Any]


class OptInDecision(NamedTuple):
    """What a user decided on an offer, and when (in milliseconds)."""

    name: str
    opted_in: bool
    decided_at: int


def display_name(stored_profile_fields: str, user_id: str) -> str:
    """First and last name, as far as they are given and not private; empty where there is nothing.

    Raises MalformedData.
    """
    shown = []
    try:
        fields = orjson.loads(stored_profile_fields)
        for field in (fields.get("firstName"), fields.get("lastName")):
            if field and field.get("visibility") != _PRIVATE and (value := field.get("value")):
                shown.append(str(value))
    except (AttributeError, ValueError):
        raise MalformedData("profileFields", user_id, "not an object of objects") from None
    return " ".join(shown).strip()


def visible_fields(stored_profile_fields: str, user_id: str, email: str, *, all_of_them: bool) -> Json:
    """The profile fields a viewer may see, that of the email address with the address as its value.

    Raises MalformedData.
    """
    shown = {}
    try:
        for name, field in orjson.loads(stored_profile_fields).items():
            visibility = field.get("visibility", _PRIVATE if name == "email" else _TENANT)
            if all_of_them or visibility == _TENANT:
                shown[name] = field | {"value": email} if name == "email" else field
    except (AttributeError, ValueError):
        raise MalformedData("profileFields", user_id, "not an object of objects") from None
    return shown


def check_language(value: object) -> str | None:
    """Raises Rejected."""
    if value is not None and value not in LANGUAGES:
        reject_value(
            "language", f"{quoted(str(value))} is no language code of ISO 639-1, such as `de` or `en`."
        )
    return value


def check_version(value: object) -> str | None:
    """Raises Rejected."""
    if value is not None and not _is_text(value, 64):
        reject_value("last_seen_release_version", "A release version is 1 to 64 characters.")
    return value  # type: ignore[return-value]


def merge_profile_fields(current: Json, given: Json) -> Json:
    """Set the given fields; null removes one. Raises Rejected."""
    return _merge("profile_fields", current, given, _check_profile_field)


def merge_recent_projects(current: Json, given: Json) -> Json:
    """Set when the given projects were opened; null removes one. Raises Rejected."""
    return _merge("recent_projects", current, given, _check_recent_project)


def merge_agent_permissions(current: Json, given: Json) -> Json:
    """Set the agent's permissions in the given projects; null removes a project's. Raises Rejected."""
    return _merge("personal_agent_permissions", current, given, _check_agent_permissions)


def merge_decisions(current: list[OptInDecision], given: list[OptInDecision]) -> list[OptInDecision]:
    """Replace decisions of the same name. Raises Rejected."""
    for decision in given:
        if not _is_text(decision.name, _MAX_NAME):
            reject_value("opt_in_decisions", f"The name of a decision is 1 to {_MAX_NAME} characters.")
        if not is_instant(decision.decided_at):
            reject_value("opt_in_decisions", f"When `{decision.name}` was decided is no instant: {_INSTANT}")
    merged = {decision.name: decision for decision in [*current, *given]}
    if len(merged) > _MAX_FIELDS:
        reject_value(
            "opt_in_decisions", f"There would be {len(merged)} decisions; {_MAX_FIELDS} are allowed."
        )
    return list(merged.values())


def read_map(stored: str, field: str, user_id: str) -> Json:
    """Raises MalformedData."""
    try:
        found = orjson.loads(stored)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise MalformedData(field, user_id, "not an object")
    return found


def read_decisions(stored: str, user_id: str) -> list[OptInDecision]:
    """Raises MalformedData."""
    try:
        found = orjson.loads(stored)
        decisions = [OptInDecision(**each) for each in found]
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, list):
        raise MalformedData("optInDecisions", user_id, "not a list of decisions")
    for name, opted_in, decided_at in decisions:
        if not (_is_text(name, _MAX_NAME) and isinstance(opted_in, bool) and is_instant(decided_at)):
            raise MalformedData("optInDecisions", user_id, f"the decision {name!r} is not one")
    return decisions


def read_permissions(stored: str, user_id: str) -> list[str]:
    """Raises MalformedData."""
    try:
        permissions = orjson.loads(stored)
    except ValueError:
        permissions = None
    if not isinstance(permissions, list) or not all(isinstance(each, str) for each in permissions):
        raise MalformedData("permissions", user_id, "not a list of texts")
    return permissions


_INSTANT = "whole milliseconds, from 0 and below 2^53, are."


def _merge(field: str, current: Json, given: Json, check: Callable[[str, Any], None]) -> Json:
    for name, value in given.items():
        if not _is_text(name, _MAX_NAME):
            reject_value(field, f"A name is 1 to {_MAX_NAME} characters.")
        if value is not None:
            check(name, value)
    merged = {name: value for name, value in (current | given).items() if value is not None}
    if len(merged) > _MAX_FIELDS:
        reject_value(field, f"There would be {len(merged)} names; {_MAX_FIELDS} are allowed.")
    return merged


def _check_profile_field(name: str, field: object) -> None:
    if not isinstance(field, Mapping) or not field.keys() <= {"value", "visibility"}:
        reject_value("profile_fields", f"`{name}` must be an object with `value` and `visibility`.")
    if field.get("visibility", _TENANT) not in (_TENANT, _PRIVATE):
        reject_value("profile_fields", f"The visibility of `{name}` must be `{_TENANT}` or `{_PRIVATE}`.")
    value = field.get("value")
    if name == "email" and "value" in field:
        reject_value(
            "profile_fields", "`email` has only a visibility: the address itself is the user's `email`."
        )
    if isinstance(value, Mapping | list) or (isinstance(value, str) and len(value) > _MAX_TEXT):
        expected = f"a number, a boolean, or a text of at most {_MAX_TEXT} characters"
        reject_value("profile_fields", f"The value of `{name}` must be {expected}.")


def _check_recent_project(name: str, opened: object) -> None:
    if not is_instant(opened):
        reject_value("recent_projects", f"When `{name}` was opened is no instant: {_INSTANT}")


def _check_agent_permissions(name: str, types: object) -> None:
    good = (
        isinstance(types, Mapping)
        and len(types) <= _MAX_FIELDS
        and all(
            _is_text(kind, _MAX_NAME)
            and isinstance(each, Mapping)
            and each.keys() == {"read", "write"}
            and all(isinstance(allowed, bool) for allowed in each.values())
            for kind, each in types.items()
        )
    )
    if not good:
        reject_value(
            "personal_agent_permissions",
            f'`{name}` must map types to objects such as {{"read": true, "write": false}}: '
            f"at most {_MAX_FIELDS}, each of 1 to {_MAX_NAME} characters.",
        )


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and "\0" not in value


_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz "
    "ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii "
    "ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi "
    "mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw "
    "sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk "
    "ur uz ve vi vo wa wo xh yi yo za zh zu"
)


LANGUAGES = frozenset(_CODES.split())
