"""The printed schema for federation gateways, and for tools that do not know federation."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DocumentNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

_NODE_FIELDS = {"node", "nodes"}
"""Every Relay schema has them, so two subgraphs of a gateway cannot both publish them."""
_FEDERATION_FIELDS = {"_entities", "_service"}
_FEDERATION_TYPES = {"_Any", "_Entity", "_Service"}
_FEDERATION_DIRECTIVES = {"key", "link", "shareable"}
_ROLE_DIRECTIVES = {"auth"}


def subgraph_sdl(sdl: str) -> str:
    """The schema as gateways compose it with others.

    It leaves out what would be in the way there: `node` and `nodes`, `@auth` with the type of its argument,
    and what gateways define themselves. The descriptions of the fields still say which role they require.
    """
    document = parse(sdl)
    types = _FEDERATION_TYPES | _argument_types(document, _ROLE_DIRECTIVES)
    fields = _NODE_FIELDS | _FEDERATION_FIELDS
    return _without(document, directives=_ROLE_DIRECTIVES, types=types, query_fields=fields)


def api_sdl(sdl: str) -> str:
    """The schema without the elements of federation."""
    return _without(
        parse(sdl),
        directives=_FEDERATION_DIRECTIVES,
        types=_FEDERATION_TYPES,
        query_fields=_FEDERATION_FIELDS,
    )


def _argument_types(document: DocumentNode, directives: Collection[str]) -> set[str]:
    """The types that the arguments of these directives have. Nothing else may use them."""
    types: set[str] = set()

    class Finder(Visitor):
        def enter_named_type(self, node: NamedTypeNode, *_: Any) -> None:
            types.add(node.name.value)

    for node in document.definitions:
        if isinstance(node, DirectiveDefinitionNode) and node.name.value in directives:
            visit(node, Finder())
    return types


def _without(
    document: DocumentNode,
    *,
    directives: Collection[str],
    types: Collection[str],
    query_fields: Collection[str],
) -> str:
    class Remover(Visitor):
        def leave_object_type_definition(self, node: ObjectTypeDefinitionNode, *_: Any) -> Any:
            if node.name.value in types:
                return REMOVE
            if node.name.value != "Query":
                return None
            fields = [each for each in node.fields or () if each.name.value not in query_fields]
            return replace(node, fields=tuple(fields))

        def leave_scalar_type_definition(self, node: Any, *_: Any) -> Any:
            return REMOVE if node.name.value in types else None

        leave_enum_type_definition = leave_union_type_definition = leave_scalar_type_definition

        def leave_directive(self, node: Any, *_: Any) -> Any:
            return REMOVE if node.name.value in directives else None

        leave_directive_definition = leave_directive

    return print_ast(visit(document, Remover()))
