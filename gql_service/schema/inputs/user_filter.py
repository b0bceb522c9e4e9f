"""How clients say which users are meant: by their usernames, and by conditions on their metadata."""

from typing import Any

import strawberry

from gql_service.domain.search.conditions import conditions_of, require_searchable
from gql_service.domain.search.members import MemberSearch
from gql_service.domain.tenants import Platform
from gql_service.errors import BadUserInput
from gql_service.schema.inputs.documents import provided
from gql_service.schema.scalars import JSON
from gql_service.services.context import Services


def _operator(description: str, name: str | None = None) -> Any:
    return strawberry.field(default=strawberry.UNSET, name=name, description=description)


@strawberry.input(
    description="What is to hold for one key, which must be indexed. All operators given must hold, of an "
    "entry that is valid now; at least one is needed. Encrypted values are found by `equals`, `in` and "
    "`exists` only."
)
class MetadataCondition:
    key: str = strawberry.field(description="The key of the entry.")
    equals: JSON | None = _operator(
        "The value is this; numbers are equal by what they amount to, null is the value null."
    )
    in_: list[JSON] | None = _operator("The value is one of these, up to 100.", "in")
    exists: bool | None = _operator("Whether there is an entry that is valid now.")
    prefix: str | None = _operator(
        "The text begins with this, of up to 200 characters; a date as it is told in UTC."
    )
    greater_than: JSON | None = _operator(
        "The value is more than this. A number compares with numbers, as doubles. A text compares with texts "
        "by their bytes, and if it is a date, with dates as instants; it has up to 200 characters."
    )
    greater_than_or_equal: JSON | None = _operator("The value is this or more.")
    less_than: JSON | None = _operator("The value is less than this.")
    less_than_or_equal: JSON | None = _operator("The value is this or less.")


@strawberry.input(description="Which users of a platform are meant; all conditions must hold.")
class UserFilter:
    username_prefix: str | None = strawberry.field(
        default=None, description="The username begins with this text, in exactly this case."
    )
    metadata: list[MetadataCondition] | None = strawberry.field(
        default=None, description="What holds for their metadata on this platform; up to 5 conditions."
    )


async def member_search(services: Services, platform: Platform, where: UserFilter | None) -> MemberSearch:
    """Who is meant by a filter. Raises BadUserInput."""
    if where is None:
        return MemberSearch(platform.tenant_id, platform.id)
    prefix = where.username_prefix
    if prefix and "\0" in prefix:
        raise BadUserInput("Text must not contain the character U+0000.")
    conditions = conditions_of(provided(where.metadata or []), platform.id, services.rules.keys)
    if conditions:
        keys = [(platform.id, condition.key) for condition in conditions]
        require_searchable(conditions, await services.loaders.searchable.load_many(keys))
    return MemberSearch(platform.tenant_id, platform.id, prefix or None, conditions)
