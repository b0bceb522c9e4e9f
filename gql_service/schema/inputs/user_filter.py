"""Filters for users: by username, and by conditions on their metadata."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql_service.auth.policy import Policy
from gql_service.domain.pagination import PageRequest
from gql_service.domain.search.conditions import (
    MAX_CONDITIONS,
    MAX_VALUES,
    check_no_nul,
    parse_conditions,
    require_few_texts,
    require_searchable,
)
from gql_service.domain.search.directory import MAX_LISTED, UserSearch, user_search
from gql_service.domain.search.members import MemberSearch, Order, keys_to_scan
from gql_service.domain.search.ordered import check_cursors
from gql_service.domain.tenants import Platform
from gql_service.errors import BadUserInput
from gql_service.names import MAX_TEXT
from gql_service.schema.enums import OrderDirection
from gql_service.schema.inputs.documents import provided
from gql_service.schema.list_limits import max_items
from gql_service.schema.scalars import JSON
from gql_service.services.context import Services


def _operator(description: str, name: str | None = None, metadata: Mapping[str, int] | None = None) -> Any:
    return strawberry.field(default=strawberry.UNSET, name=name, description=description, metadata=metadata)


@strawberry.input(
    description="A condition on one metadata key, which must be indexed. Provide at least one operator; all "
    "of them must hold for an entry that is valid now. Encrypted values are found by `equals`, `in` and "
    "`exists` only: the other operators do not match them."
)
class MetadataCondition:
    key: str = strawberry.field(description="The key.")
    path: str | None = _operator(
        "A JSON Pointer that the definition of the key declares in `indexedPaths`, such as `/plan/tier`: the "
        "condition is about the part of the value that it refers to. Default: the whole value."
    )
    equals: JSON | None = _operator(
        "The value equals this one. Numbers are compared by amount, so 1 equals 1.0. Null equals null."
    )
    in_: list[JSON] | None = _operator(
        f"The value equals one of these, at most {MAX_VALUES}.", "in", max_items(MAX_VALUES)
    )
    exists: bool | None = _operator(
        "Whether there is an entry that is valid now. False cannot be combined with other operators."
    )
    prefix: str | None = _operator(
        "The string starts with this text, at most 200 characters. Dates are compared in their UTC format."
    )
    equals_ignore_case: str | None = _operator(
        "The string equals this text, but for upper and lower case and compatibility forms of Unicode "
        "(NFKC). Encrypted values do not match."
    )
    contains: JSON | None = _operator(
        "The array has this string, number or boolean among its first 100 different members, or the string "
        "contains this text of 1 to 200 characters within its first 200. If the key has more than 20,000 "
        "strings on the platform, a text needs another, more selective condition beside it. Encrypted "
        "values do not match."
    )
    greater_than: JSON | None = _operator(
        "The value is greater than this one. Numbers are compared with numbers, as doubles; strings with "
        "strings, by UTF-8 bytes; strings that are dates also with dates, by time. A string has at most 200 "
        "characters."
    )
    greater_than_or_equal: JSON | None = _operator(
        "The value is greater than or equal to this one. See `greaterThan`."
    )
    less_than: JSON | None = _operator("The value is less than this one. See `greaterThan`.")
    less_than_or_equal: JSON | None = _operator(
        "The value is less than or equal to this one. See `greaterThan`."
    )


@strawberry.input(description="A filter for the users of a platform. All conditions must hold.")
class UserFilter:
    username_prefix: str | None = strawberry.field(
        default=None, description="The username starts with this text. Upper and lower case differ."
    )
    metadata: list[MetadataCondition] | None = strawberry.field(
        default=None,
        description=f"Conditions on the metadata of the users on this platform, at most {MAX_CONDITIONS}.",
        metadata=max_items(MAX_CONDITIONS),
    )


@strawberry.input(
    description="A filter for the users of a tenant. All conditions must hold. Names, addresses and texts "
    "match in any spelling."
)
class DirectoryFilter:
    usernames: list[str] | None = _operator(
        f"The username is one of these, at most {MAX_LISTED}.", metadata=max_items(MAX_LISTED)
    )
    user_ids: list[strawberry.ID] | None = _operator(
        f"The user id is one of these, at most {MAX_LISTED}.", metadata=max_items(MAX_LISTED)
    )
    emails: list[str] | None = _operator(
        f"The user belongs to the tenant, and the email address is one of these, at most {MAX_LISTED}.",
        metadata=max_items(MAX_LISTED),
    )
    text: str | None = _operator(
        "The username, the email address, `firstName` or `lastName` in the profile, or both with a space, "
        f"begin with this text, 1 to {MAX_TEXT} characters. Of guests, only what the admins may read "
        "counts."
    )

    is_admin: bool = strawberry.field(
        default=False,
        description="If true, only users who have the permission that makes them admins of the tenant. "
        "Platform owners are not among them, unless they have it, too.",
    )

    def search(self, tenant_id: str, policy: Policy) -> UserSearch:
        """The search in a tenant. Raises BadUserInput."""
        value_of = provided(self).get
        permission = policy.admin_permission_of(tenant_id) if self.is_admin else None
        return user_search(
            tenant_id,
            value_of("usernames"),
            value_of("user_ids"),
            value_of("emails"),
            value_of("text"),
            permission,
        )


@strawberry.input(
    description="An order of users by an indexed key: numbers, then strings by UTF-8 bytes. Dates count as "
    "numbers, as microseconds since 1970. Users with the same value are in the order of their user ids. "
    "Users without such a value that is valid now are not in the list."
)
class UserOrder:
    key: str = strawberry.field(description="The key, which must be indexed.")
    path: str | None = _operator(
        "A JSON Pointer that the definition of the key declares in `indexedPaths`. Default: the whole value."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Whether small values are first, or large ones."
    )


async def member_search(
    services: Services,
    platform: Platform,
    where: UserFilter | None,
    order_by: UserOrder | None,
    request: PageRequest,
) -> MemberSearch:
    """The search for the members of a platform that match a filter. Raises BadUserInput."""
    order = _order(order_by, request)
    where = where or UserFilter()
    prefix = where.username_prefix
    if prefix and "\0" in prefix:
        raise BadUserInput("Text must not contain the character U+0000.")
    conditions = parse_conditions(provided(where.metadata or []), platform.id, services.write_settings.keys)
    if conditions or order:
        required = (*conditions, order.condition) if order else conditions
        keys = [(platform.id, condition.key) for condition in required]
        require_searchable(required, await services.loaders.searchable.load_many(keys))
    if scanned := keys_to_scan(platform.id, conditions):
        require_few_texts(await services.loaders.text_counts.load_many(scanned))
    return MemberSearch(platform.tenant_id, platform.id, prefix or None, conditions, order)


def _order(order_by: UserOrder | None, request: PageRequest) -> Order | None:
    """Raises BadUserInput."""
    if order_by is None:
        return None
    order = Order(order_by.key, order_by.path or "", order_by.direction is OrderDirection.DESC)
    check_no_nul(order.key + order.path)
    check_cursors(order, request)
    return order
