"""Changes of valid documents: most break one rule of validation, some keep the document valid."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    is_composite_type,
    is_input_type,
    parse,
    visit,
)

LITERALS = [
    "1",
    "-7",
    "2147483648",
    "1.5",
    "1e3",
    '"x"',
    '"""x\n  y"""',
    "true",
    "null",
    "RED",
    "[]",
    "[1, [2]]",
    '["a", null]',
    "{}",
    "{a: 1, a: 2}",
    '{userId: "x"}',
    '{userId: "x", username: "y"}',
    "{key: $v}",
    "$v",
    "[$v]",
]
DIRECTIVES = [
    "@include(if: true)",
    "@skip(if: $v)",
    "@skip(if: 1)",
    "@include",
    "@include(if: true, if: true)",
    "@include(unless: true)",
    "@deprecated",
    "@unknown",
    "@skip(if: false) @skip(if: false)",
    "@skip(if: false) @include(if: true)",
    "@stream(initialCount: 1)",
    "@defer",
]


class Spot(NamedTuple):
    """A node, and what the schema expects there."""

    node: Node
    parent: str
    """The composite type that is selected from."""
    input_type: str


def _spots(schema: GraphQLSchema, document: DocumentNode) -> list[Spot]:
    info, spots = TypeInfo(schema), list[Spot]()

    class Finder(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            if isinstance(node, _CHANGED):
                spots.append(Spot(node, str(info.get_parent_type()), str(info.get_input_type())))

    visit(document, TypeInfoVisitor(info, Finder()))
    return spots


_CHANGED = (FieldNode, ArgumentNode, ObjectFieldNode, SelectionSetNode, ValueNode, OperationDefinitionNode,
            VariableDefinitionNode, DirectiveNode)  # fmt: skip


class Changer:
    """Makes changed documents of a schema's valid ones."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        types = schema.type_map.values()
        self._composites = [each.name for each in types if is_composite_type(each)]
        self._inputs = [name for name, each in schema.type_map.items() if is_input_type(each)]
        self._names: list[str] = sorted(
            {name for each in types if is_composite_type(each) for name in getattr(each, "fields", ())}
        )

    def change(self, text: str, source: random.Random) -> str:
        """The text with one change. Sometimes, it is the text itself."""
        spot = source.choice(_spots(self._schema, parse(text)))
        assert spot.node.loc is not None, "the parser was asked for locations"
        start, end = spot.node.loc.start, spot.node.loc.end
        changes = next(changes for class_, changes in _CHANGES.items() if isinstance(spot.node, class_))
        old = text[start:end]
        new, *more = source.choice(changes)(self, old, spot, source)
        return " ".join([text[:start] + new + text[end:], *more])

    def type(self, source: random.Random, likely: str = "") -> str:
        return source.choice(
            [likely or "String", likely or "Query", source.choice(self._composites), "Nothing"]
        )

    def field(self, source: random.Random) -> str:
        return source.choice([*source.sample(self._names, 2), "__typename", "nothing"])

    def variable(self, source: random.Random, likely: str) -> str:
        """A definition of the variable `$v`."""
        type_ = source.choice(
            [likely, likely, likely, source.choice(self._inputs), "Boolean!", "[Int]", "Query"]
        )
        default = source.choice(["", "", f" = {source.choice(LITERALS)}"])
        return f"$v: {type_}{default}{source.choice(['', '', ' @include(if: true)'])}"


Change = Callable[[Changer, str, Spot, random.Random], tuple[str, ...]]


def _fields(changer: Changer, old: str, spot: Spot, source: random.Random) -> tuple[str, ...]:
    name = changer.field(source)
    parent = spot.parent
    return (
        source.choice(
            [
                name,
                f"{old} {old}",
                f"same: {old.partition(':')[2] or old} same: {name}",
                f"{old} {name} {{ {changer.field(source)} }}",
                f"... {{ {old} }}",
                f"... {source.choice(DIRECTIVES)} {{ {old} }}",
                f"... on {changer.type(source, parent)} {{ {old} }}",
                f"... on {changer.type(source, parent)} {{ {name} }} {old}",
                f"{old} {{ {name} }}",
                f"{old.partition('{')[0]}",
                f"{old} {source.choice(DIRECTIVES)}" if "{" not in old else old,
                f"{old}(a: 1)" if "(" not in old else old.partition("(")[0],
                f"...F {old}",
            ]
        ),
    )


def _to_fragment(changer: Changer, old: str, spot: Spot, source: random.Random) -> tuple[str, ...]:
    type_ = changer.type(source, spot.parent)
    inside = source.choice([old, old, old, "{ ...F }", "{ ...G }", f"{{ {changer.field(source)} }}"])
    directive = source.choice(["", "", "", *DIRECTIVES])
    spread = source.choice(["{ ...F }", "{ ...F }", "{ ...F ...F }", "{ ...F __typename }", old])
    other = source.choice(["", "", f"fragment G on {type_} {{ ...F }}", f"fragment F on {type_} {old}"])
    return spread, f"fragment F on {type_} {directive} {inside}", other


def _empty(_changer: Changer, _old: str, _spot: Spot, _source: random.Random) -> tuple[str, ...]:
    return ("{}",)


def _argument(_changer: Changer, old: str, _spot: Spot, source: random.Random) -> tuple[str, ...]:
    literal = source.choice(LITERALS)
    name = old.partition(":")[0]
    return (
        source.choice([f"{old} {old}", f"{old} extra: {literal}", f"{name}: {literal}", f"other: {literal}"]),
    )


def _literal(_changer: Changer, _old: str, _spot: Spot, source: random.Random) -> tuple[str, ...]:
    return (source.choice(LITERALS),)


def _operation(changer: Changer, old: str, _spot: Spot, source: random.Random) -> tuple[str, ...]:
    brace = old.index("{")
    body = old[brace:]
    variable = changer.variable(source, "Boolean!")
    kind = source.choice(["query", "mutation", "subscription"])
    directive = source.choice(DIRECTIVES)
    return source.choice(
        [
            (f"query A {body}", f"query B {body}"),
            (f"query A {body}", f"query A {body}"),
            (body, body),
            (f"query ({variable}) {body}",),
            (f"query ({variable} {variable}) {{ __typename @skip(if: $v) }}",),
            (f"query ({variable}) {{ __typename @skip(if: $v) }}",),
            (f"{kind} {body}",),
            (f"query {directive} {body}",),
            (
                f"query {{ {' '.join('...F' for _ in range(source.randint(1, 3)))} }}",
                f"fragment F on Query {body}",
            ),
            (old, f"fragment Unused on {changer.type(source)} {{ {changer.field(source)} }}"),
            (old, "type Query { a: Int }"),
            (old, "extend type Query { a: Int }"),
            ("subscription { notificationReceived { id } }",),
            ("subscription { a: notificationReceived { id } notificationReceived { id } }",),
        ]
    )


def _use_variable(changer: Changer, old: str, spot: Spot, source: random.Random) -> tuple[str, ...]:
    """A field with one argument replaced by a variable, in an operation that declares it."""
    return (source.choice(["$v", "[$v]", "{a: $v}", old]),)


_CHANGES: dict[type[Node], list[Change]] = {
    FieldNode: [_fields],
    SelectionSetNode: [_to_fragment, _to_fragment, _to_fragment, _empty],
    ArgumentNode: [_argument],
    ObjectFieldNode: [_argument],
    VariableNode: [_literal],
    ValueNode: [_literal, _use_variable],
    OperationDefinitionNode: [_operation],
    VariableDefinitionNode: [
        lambda changer, _old, spot, source: (changer.variable(source, spot.input_type),)
    ],
    DirectiveNode: [lambda _changer, _old, _spot, source: (source.choice(DIRECTIVES),)],
}


def declare_variable(schema: GraphQLSchema, text: str, source: random.Random) -> str:
    """The text with a variable in place of one literal, declared with the right type or a similar one."""
    values = [
        spot
        for spot in _spots(schema, parse(text))
        if isinstance(spot.node, ValueNode)
        and not isinstance(spot.node, VariableNode)
        and spot.input_type != "None"
    ]
    if not values or not text.startswith("{"):
        return text
    spot = source.choice(values)
    assert spot.node.loc is not None, "the parser was asked for locations"
    type_ = spot.input_type
    type_ = source.choice(
        [type_, type_, type_, type_.rstrip("!"), f"{type_.rstrip('!')}!", f"[{type_}]", "Int"]
    )
    default = source.choice(["", "", " = null", f" = {text[spot.node.loc.start : spot.node.loc.end]}"])
    return f"query ($v: {type_}{default}) {text[: spot.node.loc.start]}$v{text[spot.node.loc.end :]}"
