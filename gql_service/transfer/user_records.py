"""The line of a user in an export: its shape, and how it is read and written, driven by `USER_FIELDS`."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gql_service.domain.users import provisioning
from gql_service.domain.users.badges import EarnedBadge
from gql_service.domain.users.fields import REQUIRED, USER_FIELDS, FieldType, UserField
from gql_service.domain.users.profiles import OptInDecision
from gql_service.domain.users.rows import User
from gql_service.transfer.record_fields import (
    BOOLEAN,
    INSTANT,
    OBJECT,
    REVISION,
    TEXT,
    TEXTS,
    FieldKind,
    InvalidRecord,
    Json,
    RecordField,
    Shape,
    objects,
    or_null,
)

_MAX_BADGE_NAME = 100


class UserRecord(NamedTuple):
    """A user with their badges, oldest first."""

    user: User
    badges: list[EarnedBadge]


class _Format(NamedTuple):
    """How a line holds the fields of a type: what is allowed, and the conversions where a line differs."""

    kind: FieldKind
    to_line: Callable[[Any], Any] = lambda value: value
    from_line: Callable[[Any], Any] = lambda value: value


def _decisions_to_line(decisions: list[OptInDecision]) -> list[Json]:
    return [
        {"name": decision.name, "optedIn": decision.opted_in, "decidedAt": decision.decided_at}
        for decision in decisions
    ]


def _decisions_from_line(decisions: list[Json]) -> list[OptInDecision]:
    return [OptInDecision(each["name"], each["optedIn"], each["decidedAt"]) for each in decisions]


_FORMATS = {
    FieldType.TEXT: _Format(TEXT),
    FieldType.BOOLEAN: _Format(BOOLEAN),
    FieldType.OBJECT: _Format(OBJECT),
    FieldType.TEXTS: _Format(TEXTS, to_line=list),
    FieldType.DECISIONS: _Format(
        objects(name=TEXT, optedIn=BOOLEAN, decidedAt=INSTANT), _decisions_to_line, _decisions_from_line
    ),
}


def _record_field(field: UserField) -> RecordField:
    format_ = _FORMATS[field.type]
    kind = or_null(format_.kind) if field.nullable else format_.kind
    if field.default is REQUIRED:
        return RecordField(kind)
    return RecordField(kind, None if field.default is None else format_.to_line(field.default))


USER_SHAPE: Shape = {
    "id": RecordField(TEXT),
    "tenantId": RecordField(TEXT),
    "username": RecordField(TEXT),
    **{field.public_name: _record_field(field) for field in USER_FIELDS.values()},
    "badges": RecordField(objects(name=TEXT, earnedAt=INSTANT), []),
    "revision": RecordField(REVISION, 1),
    "createdAt": RecordField(INSTANT),
    "updatedAt": RecordField(or_null(INSTANT), None),
}


def user_record(user: User, badges: list[EarnedBadge]) -> Json:
    """The fields of a user's line. Raises MalformedData."""
    fields = {
        field.public_name: _FORMATS[field.type].to_line(field.read(user)) for field in USER_FIELDS.values()
    }
    return {
        "id": user.user_id,
        "tenantId": user.tenant_id,
        "username": user.username,
        **fields,
        "badges": [{"name": badge.name, "earnedAt": badge.earned_at} for badge in badges],
        "revision": user.revision,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
    }


def read_user(line: Json) -> UserRecord:
    """The user of a line, which has all fields of `USER_SHAPE`. Raises InvalidRecord or Rejected."""
    id = line["id"]
    if not provisioning.USER_ID.fullmatch(id):
        raise InvalidRecord("`id` must be 1 to 64 letters, digits, hyphens and underscores.")
    if not provisioning.USERNAME.fullmatch(line["username"]):
        raise InvalidRecord("`username` must be 1 to 150 letters, digits and the characters . @ + - _")
    blank = provisioning.blank_user(id, line["tenantId"], line["username"], line["createdAt"])
    values = {
        column: _FORMATS[field.type].from_line(line[field.public_name])
        for column, field in USER_FIELDS.items()
    }
    user = provisioning.complete_user(blank, values)
    user = user._replace(revision=line["revision"], updated_at=line["updatedAt"])
    return UserRecord(user, _read_badges(id, line["badges"]))


def _read_badges(user_id: str, badges: list[Json]) -> list[EarnedBadge]:
    badges.sort(key=lambda badge: (badge["earnedAt"], badge["name"]))
    earned = {each["name"]: EarnedBadge(user_id, each["name"], each["earnedAt"]) for each in badges}
    if any(not 0 < len(name) <= _MAX_BADGE_NAME for name in earned):
        raise InvalidRecord(f"The name of a badge must have 1 to {_MAX_BADGE_NAME} characters.")
    return list(earned.values())
