"""The maximum number of items of every list that clients send, declared where the list is declared.

The engine refuses longer lists before it coerces their items: see `engine/document/list_limits.py`.
"""

from collections.abc import Iterator

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_nullable_type,
    is_list_type,
)

from gql_service.settings import Settings

_MAX_ITEMS, _SETTING = "max_items", "max_items_setting"


class UnlimitedList(Exception):
    """An argument or input field is a list without a maximum."""


def max_items(count: int) -> dict[str, int]:
    """The `metadata` of an argument or input field that may have `count` items."""
    return {_MAX_ITEMS: count}


def max_items_of_setting(name: str) -> dict[str, str]:
    """The `metadata` of an argument or input field whose maximum number of items is a setting."""
    return {_SETTING: name}


def declare_list_limits(schema: GraphQLSchema, settings: Settings) -> None:
    """Copy the maxima to the extensions of arguments and input fields. Raises UnlimitedList."""
    for coordinate, definition in _inputs(schema):
        if is_list_type(get_nullable_type(definition.type)):
            metadata = definition.extensions["strawberry-definition"].metadata
            if _SETTING in metadata:
                setting = metadata[_SETTING]
                definition.extensions |= {_SETTING: setting, _MAX_ITEMS: getattr(settings, setting)}
            elif _MAX_ITEMS in metadata:
                definition.extensions[_MAX_ITEMS] = metadata[_MAX_ITEMS]
            else:
                raise UnlimitedList(f"{coordinate} needs `metadata=max_items(…)`")


def _inputs(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLArgument | GraphQLInputField]]:
    """All arguments and input fields but those of introspection, with their coordinates."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{type_.name}.{name}", field) for name, field in type_.fields.items())
        elif isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for field_name, field in type_.fields.items():
                for name, argument in field.args.items():
                    yield f"{type_.name}.{field_name}({name}:)", argument
