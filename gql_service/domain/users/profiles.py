"""Profile fields and display names, and the reading of user columns that hold JSON.

A profile field is `{"value": …, "visibility": "tenant" | "private"}`. Both keys are optional. Without a
visibility, other members of the user's tenants see the field. The field `email` is different: it is private
by default, and has no value of its own.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gql_service.errors import MalformedData
from gql_service.instants import is_instant

TENANT, PRIVATE = "tenant", "private"
_MAX_REMEMBERED = 1024
"""Characters of stored fields whose display name is remembered, which bounds the memory for it."""
MAX_NAME = 100
"""Characters of the name of a profile field, project, type or decision."""

Json = dict[str, Any]


class OptInDecision(NamedTuple):
    """A user's decision on an offer; `decided_at` is in milliseconds."""

    name: str
    opted_in: bool
    decided_at: int


def display_name(stored_profile_fields: str, user_id: str) -> str:
    """First and last name, without those that are missing or private; may be empty. Raises MalformedData."""
    try:
        if len(stored_profile_fields) > _MAX_REMEMBERED:
            return _display_name(stored_profile_fields)
        return _remembered_display_name(stored_profile_fields)
    except (AttributeError, TypeError, ValueError):  # SQLite stores any type
        raise MalformedData("profileFields", user_id, "not an object of objects") from None


def _display_name(stored_profile_fields: str) -> str:
    names = []
    fields = orjson.loads(stored_profile_fields)
    for field in (fields.get("firstName"), fields.get("lastName")):
        if field and field.get("visibility") != PRIVATE and (value := field.get("value")):
            names.append(str(value))
    return " ".join(names).strip()


_remembered_display_name = lru_cache(4096)(_display_name)
"""Nearly every list of users shows their names, and decoding takes ten times as long as this."""


def visible_fields(stored_profile_fields: str, user_id: str, email: str, *, include_private: bool) -> Json:
    """The profile fields a viewer may see; `email`, if it is among them, has the address as its value.

    Raises MalformedData.
    """
    visible = {}
    try:
        for name, field in orjson.loads(stored_profile_fields).items():
            visibility = field.get("visibility", PRIVATE if name == "email" else TENANT)
            if include_private or visibility == TENANT:
                visible[name] = field | {"value": email} if name == "email" else field
    except (AttributeError, ValueError):
        raise MalformedData("profileFields", user_id, "not an object of objects") from None
    return visible


def read_object(stored: str, field: str, user_id: str) -> Json:
    """Decode a column that holds a JSON object; `field` is its public name. Raises MalformedData."""
    try:
        value = orjson.loads(stored)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise MalformedData(field, user_id, "not an object")
    return value


def read_decisions(stored: str, user_id: str) -> list[OptInDecision]:
    """Decode the column `opt_in_decisions`. Raises MalformedData."""
    try:
        values = orjson.loads(stored)
        decisions = [OptInDecision(**value) for value in values]
    except (TypeError, ValueError):
        values = None
    if not isinstance(values, list):
        raise MalformedData("optInDecisions", user_id, "not a list of decisions")
    for name, opted_in, decided_at in decisions:
        if not (is_short_text(name, MAX_NAME) and isinstance(opted_in, bool) and is_instant(decided_at)):
            raise MalformedData("optInDecisions", user_id, f"{name!r} is not the name of a valid decision")
    return decisions


def read_permissions(stored: str, user_id: str) -> list[str]:
    """Decode the column `permissions`. Raises MalformedData."""
    try:
        permissions = orjson.loads(stored)
    except ValueError:
        permissions = None
    if not isinstance(permissions, list) or not all(isinstance(each, str) for each in permissions):
        raise MalformedData("permissions", user_id, "not a list of texts")
    return permissions


def is_short_text(value: object, max_length: int) -> bool:
    """Whether a value is a text of 1 to `max_length` characters, without U+0000, which PostgreSQL refuses."""
    return isinstance(value, str) and 0 < len(value) <= max_length and "\0" not in value
