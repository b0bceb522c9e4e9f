"""Publishes plain Python enums in the schema, so that the layers below do not depend on Strawberry."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from gql_service.domain.events.events import EventType
from gql_service.domain.flags.evaluation import Reason as EvaluationReason
from gql_service.domain.flags.evaluation import Source as EvaluationSource
from gql_service.domain.search.members import OrderDirection
from gql_service.domain.tenants import MetadataMode
from gql_service.domain.users.changes import UserAction
from gql_service.domain.values.types import ValueType
from gql_service.domain.webhooks.deliveries import DeliveryState
from gql_service.domain.webhooks.webhooks import DisabledReason, WebhookState

__all__ = [
    "DeliveryState",
    "DisabledReason",
    "EvaluationReason",
    "EvaluationSource",
    "EventType",
    "MetadataMode",
    "OrderDirection",
    "UserAction",
    "ValueType",
    "WebhookState",
]


def described_enum(enum: type[Enum], name: str, description: str, members: Mapping[Any, str]) -> None:
    """Publish an enum with a description for each value."""
    definition = strawberry.enum(enum, name=name, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value, member in zip(definition.values, enum, strict=True):
        value.description = members[member]


described_enum(
    ValueType,
    "ValueType",
    "The type of a value, which determines the format of its text.",
    {
        ValueType.string: "Any text without the character U+0000.",
        ValueType.number: "A JSON number: an integer that fits in 64 bits, or a finite double.",
        ValueType.boolean: "`true` or `false`.",
        ValueType.date: "A day, such as `2024-03-01`, or an RFC 3339 timestamp, which is stored in UTC.",
        ValueType.json: "Any JSON value, stored in canonical form.",
        ValueType.binary: "Base64 (RFC 4648) with padding.",
    },
)
described_enum(
    MetadataMode,
    "MetadataMode",
    "Which keys documents of a platform may have.",
    {
        MetadataMode.OPEN: "Any keys. The values of defined keys must satisfy their definitions.",
        MetadataMode.STRICT: "Only defined keys. Their values must satisfy their definitions.",
    },
)
described_enum(
    EvaluationReason,
    "EvaluationReason",
    "Why a key has its effective value.",
    {
        EvaluationReason.TARGETING_MATCH: "An entry of the user has it.",
        EvaluationReason.SPLIT: "The user is in a variant.",
        EvaluationReason.DEFAULT: "It is the default of the definition.",
        EvaluationReason.DISABLED: "The key is disabled, so that everybody gets the default.",
        EvaluationReason.ERROR: "The user has an entry that breaks the definition or cannot be decrypted. It "
        "was skipped.",
    },
)
described_enum(
    EvaluationSource,
    "EvaluationSource",
    "Where an effective value comes from.",
    {
        EvaluationSource.ENTRY: "The user's entry on the platform.",
        EvaluationSource.USER_WIDE_ENTRY: "The user's entry without a platform (`userWideFallback`).",
        EvaluationSource.VARIANT: "The variant that the user is in.",
        EvaluationSource.DEFAULT: "The default of the definition.",
    },
)
described_enum(
    EventType,
    "EventType",
    "What has happened.",
    {
        EventType.DOCUMENT_CHANGED: "Keys of a metadata document were created, changed or deleted.",
        EventType.DOCUMENT_CLEARED: "A metadata document was cleared, its history included.",
        EventType.DEFINITION_CHANGED: "The definition of a metadata key was created or changed.",
        EventType.DEFINITION_REMOVED: "The definition of a metadata key was removed.",
        EventType.USER_CREATED: "A user was created.",
        EventType.USER_CHANGED: "Fields of a user were changed.",
        EventType.USER_ERASED: "A user was erased. Their earlier events were deleted.",
        EventType.BADGE_AWARDED: "A user got a badge.",
        EventType.NOTIFICATION_CREATED: "A user got a notification.",
        EventType.NOTIFICATION_READ: "A user has read notifications.",
        EventType.TOKEN_ISSUED: "An access token was issued for a user.",
        EventType.TOKEN_REVOKED: "An access token of a user was revoked.",
    },
)
described_enum(
    OrderDirection,
    "OrderDirection",
    "The direction of an order.",
    {OrderDirection.ASC: "Small values are first.", OrderDirection.DESC: "Large values are first."},
)
described_enum(
    UserAction,
    "UserAction",
    "What a write did to a field of a user.",
    {
        UserAction.CREATED: "The user was created, also by an import. There is no field.",
        UserAction.CHANGED: "The value of the field, or of a member of it, was changed.",
        UserAction.GRANTED: "A permission was granted.",
        UserAction.REMOVED: "A permission was removed.",
        UserAction.AWARDED: "A badge was awarded.",
        UserAction.ISSUED: "An access token was issued.",
        UserAction.SHORTENED: "An access token was replaced by another one, and ends earlier.",
        UserAction.REVOKED: "An access token was revoked.",
        UserAction.LINKED: "An account at an OpenID Connect issuer was linked to the user.",
        UserAction.UNLINKED: "An account at an OpenID Connect issuer was unlinked from the user.",
    },
)
described_enum(
    WebhookState,
    "WebhookState",
    "Whether the events of a platform are sent to a webhook.",
    {
        WebhookState.ACTIVE: "Events are sent.",
        WebhookState.PAUSED: "An admin has paused it. Events wait, as long as they are kept.",
        WebhookState.DISABLED: "The service has disabled it. Events wait, as long as they are kept.",
    },
)
described_enum(
    DisabledReason,
    "WebhookDisabledReason",
    "Why the service has disabled a webhook.",
    {
        DisabledReason.GONE: "The receiver has answered 410 (Gone).",
        DisabledReason.FAILING: "Nothing could be delivered for 24 hours.",
    },
)
described_enum(
    DeliveryState,
    "WebhookDeliveryState",
    "What has become of a delivery.",
    {
        DeliveryState.PENDING: "It waits for its first or next attempt.",
        DeliveryState.DELIVERED: "The receiver has answered with a status from 200 to 299.",
        DeliveryState.FAILED: "It has failed for 24 hours, or its event was deleted. It is not tried again.",
    },
)
