"""The table of all user fields that can be set.

It drives the creation and change of users, export, import, and the options of the command line. To add a
field, see "Add a field to User" in CONTRIBUTING.md.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.domain.users import field_checks, profiles
from gql_service.domain.users.rows import User

Check = Callable[[Any], Any]
"""Takes a new value; returns the value to store. Raises Rejected."""

Merge = Callable[[Any, Any], Any]
"""Takes the current value and the changes to it; returns the value to store. Raises Rejected."""

REQUIRED: Any = object()
"""The default of a field that a new user must have a value for."""


class FieldType(Enum):
    """What a field holds."""

    TEXT = "a text"
    BOOLEAN = "a boolean"
    OBJECT = "a JSON object, which changes merge into"
    TEXTS = "a list of texts"
    DECISIONS = "a list of `OptInDecision`"


class Editor(Enum):
    """Who may set a field, besides those listed after them."""

    USER = "the user"
    ADMIN = "an admin of the user's tenant"
    PLATFORM_OWNER = "a platform owner"


class UserField(NamedTuple):
    """A row of the table: a column of `users`, and everything that depends on it."""

    column: str
    public_name: str
    """Its name in GraphQL and in exports."""
    type: FieldType
    editor: Editor
    description: str
    """For the help of the command line."""
    check: Check = lambda value: value
    """How to check a new value; not used for fields with `merge`."""
    merge: Merge | None = None
    """How to change a part of the value; None if a new value replaces the old one."""
    nullable: bool = False
    default: Any = None
    """The value for new users who are created without it; REQUIRED if there is none."""

    @property
    def attribute(self) -> str:
        """The attribute of `User` that has the column's value as it is stored."""
        return self.column if self.type in (FieldType.TEXT, FieldType.BOOLEAN) else f"stored_{self.column}"

    def read(self, user: User) -> Any:
        """The decoded value of a user's field. Raises MalformedData."""
        stored = getattr(user, self.attribute)
        match self.type:
            case FieldType.TEXT:
                return stored
            case FieldType.BOOLEAN:
                return bool(stored)  # SQLite has 0 and 1
            case FieldType.OBJECT:
                return profiles.read_object(stored, self.public_name, user.user_id)
            case FieldType.TEXTS:
                return profiles.read_permissions(stored, user.user_id)
            case FieldType.DECISIONS:
                return profiles.read_decisions(stored, user.user_id)

    def encode(self, value: Any) -> Any:
        """A value as the column stores it."""
        match self.type:
            case FieldType.TEXT | FieldType.BOOLEAN:
                return value
            case FieldType.OBJECT | FieldType.TEXTS:
                return strict_json.dumps(value)
            case FieldType.DECISIONS:
                return strict_json.dumps([decision._asdict() for decision in value])

    def changed(self, user: User, value: Any) -> Any:
        """What the column stores after a change. Raises Rejected, or MalformedData if it cannot be merged."""
        return self.encode(self.check(value) if self.merge is None else self.merge(self.read(user), value))


def _flag(column: str, public_name: str, editor: Editor, description: str) -> UserField:
    return UserField(column, public_name, FieldType.BOOLEAN, editor, description, default=False)


_FIELDS = (
    UserField(
        "email",
        "email",
        FieldType.TEXT,
        Editor.ADMIN,
        "Email address. A new address is unverified unless stated otherwise.",
        check=field_checks.check_email,
        default=REQUIRED,
    ),
    _flag("email_verified", "emailVerified", Editor.ADMIN, "Whether the email address is verified."),
    UserField(
        "image",
        "image",
        FieldType.TEXT,
        Editor.ADMIN,
        "URL of the profile image.",
        check=field_checks.check_image,
        nullable=True,
    ),
    UserField(
        "language",
        "language",
        FieldType.TEXT,
        Editor.USER,
        "ISO 639-1 language code, such as `de`.",
        check=field_checks.check_language,
        nullable=True,
    ),
    UserField(
        "permissions",
        "permissions",
        FieldType.TEXTS,
        Editor.ADMIN,  # of the tenant that each permission names
        "TENANT_ID::PERMISSION to grant.",
        check=field_checks.check_permissions,
        default=(),
    ),
    UserField(
        "profile_fields",
        "profileFields",
        FieldType.OBJECT,
        Editor.USER,
        'Profile fields to set: {"NAME": {"value": "TEXT", "visibility": "private"}}; the visibility may '
        'also be "tenant".',
        merge=field_checks.merge_profile_fields,
        default={},
    ),
    _flag(
        "password_change_disabled",
        "passwordChangeDisabled",
        Editor.ADMIN,
        "Whether the user cannot change their password.",
    ),
    _flag(
        "project_creation_disabled",
        "projectCreationDisabled",
        Editor.ADMIN,
        "Whether the user cannot create projects.",
    ),
    _flag(
        "profile_field_change_disabled",
        "profileFieldChangeDisabled",
        Editor.ADMIN,
        "Whether the user cannot change their profile fields.",
    ),
    _flag(
        "messaging_disabled",
        "messagingDisabled",
        Editor.ADMIN,
        "Whether the user cannot create messages.",
    ),
    _flag(
        "is_platform_owner",
        "isPlatformOwner",
        Editor.PLATFORM_OWNER,
        "Whether the user is an admin of every tenant.",
    ),
    UserField(
        "recent_projects",
        "recentProjects",
        FieldType.OBJECT,
        Editor.USER,
        'When projects were last opened: {"PROJECT_ID": milliseconds}.',
        merge=field_checks.merge_recent_projects,
        default={},
    ),
    UserField(
        "last_seen_release_version",
        "lastSeenReleaseVersion",
        FieldType.TEXT,
        Editor.USER,
        "Latest release whose notes the user has seen.",
        check=field_checks.check_version,
        nullable=True,
    ),
    UserField(
        "personal_agent_permissions",
        "personalAgentPermissions",
        FieldType.OBJECT,
        Editor.USER,
        'Permissions of the user\'s agent: {"PROJECT_ID": {"TYPE": {"read": true, "write": false}}}.',
        merge=field_checks.merge_agent_permissions,
        default={},
    ),
    UserField(
        "opt_in_decisions",
        "optInDecisions",
        FieldType.DECISIONS,
        Editor.USER,
        "Decision on an offer: NAME=true or NAME=false.",
        merge=field_checks.merge_decisions,
        default=(),
    ),
)
USER_FIELDS: Mapping[str, UserField] = {field.column: field for field in _FIELDS}
"""The fields by their columns, in the order of exports."""
