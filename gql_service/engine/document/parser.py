"""Parses documents into the nodes of graphql-core, several times as fast as its own parser.

The result is equal to that of graphql-core's parser, locations included. But no node refers to tokens: those
refer to each other, so that only the cyclic garbage collector could free a document. What this parser does
not know, and whatever is wrong, is left to graphql-core: descriptions, definitions of types, syntax errors.
"""

from typing import Any, TypeVar

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    Location,
    NamedTypeNode,
    NameNode,
    Node,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
)

from gql_service.engine.document.lexer import (
    BLOCK_STRING,
    END,
    FLOAT,
    INT,
    NAME,
    PUNCTUATOR,
    STRING,
    Tokens,
    Unreadable,
)
from gql_service.engine.document.source import DocumentSource

_MAX_NESTING = 100
"""Selection sets, lists and objects in each other. graphql-core, which allows 200, parses what has more."""
_OPERATION_TYPES = {each.value: each for each in OperationType}
_N = TypeVar("_N", bound=Node)


class TextLocation(Location):
    """The location of a node, without tokens."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: DocumentSource) -> None:
        self.start = start
        self.end = end
        self.source = source


def parse_text(text: str, max_tokens: int) -> DocumentNode | None:
    """The document; None if graphql-core has to parse the text."""
    try:
        return _Parser(text, Tokens(text, max_tokens)).parse_document()
    except (Unreadable, GraphQLSyntaxError):
        return None


def _make(class_: type[_N], loc: TextLocation, **attributes: Any) -> _N:
    """A node. The constructors of graphql-core's nodes take three times as long."""
    node = object.__new__(class_)
    attributes["loc"] = loc
    node.__dict__.update(attributes)
    return node


class _Parser:
    """Parses by recursive descent, as graphql-core's parser does. The methods raise Unreadable."""

    __slots__ = ("_at", "_ends", "_kinds", "_nesting", "_source", "_starts", "_token_count", "_values")

    def __init__(self, text: str, tokens: Tokens) -> None:
        self._source = DocumentSource(text)
        self._kinds, self._values = tokens.kinds, tokens.values
        self._starts, self._ends = tokens.starts, tokens.ends
        self._token_count = tokens.count
        self._at = 0
        """The index of the next token."""
        self._nesting = 0

    def parse_document(self) -> DocumentNode:
        definitions = [self._definition()]
        while self._kinds[self._at] != END:
            definitions.append(self._definition())
        loc = TextLocation(0, self._ends[-1], self._source)
        document = _make(DocumentNode, loc, definitions=tuple(definitions))
        document.__dict__["token_count"] = self._token_count
        return document

    def _definition(self) -> DefinitionNode:
        start = self._at
        if self._values[start] == "{" and self._kinds[start] == PUNCTUATOR:
            return self._operation(OperationType.QUERY, is_short=True)
        keyword = self._keyword()
        if keyword == "fragment":
            return self._fragment_definition(start)
        operation = _OPERATION_TYPES.get(keyword)
        if operation is None:
            raise Unreadable
        return self._operation(operation, is_short=False)

    def _operation(self, operation: OperationType, *, is_short: bool) -> OperationDefinitionNode:
        start = self._at if is_short else self._at - 1
        name = definitions = directives = None
        if not is_short:
            if self._kinds[self._at] == NAME:
                name = self._name()
            definitions = self._variable_definitions()
            directives = self._directives(is_const=False)
        selection_set = self._selection_set()
        return _make(
            OperationDefinitionNode,
            self._since(start),
            operation=operation,
            description=None,
            name=name,
            variable_definitions=definitions,
            directives=directives,
            selection_set=selection_set,
        )

    def _fragment_definition(self, start: int) -> FragmentDefinitionNode:
        if self._values[self._at] == "on":
            raise Unreadable
        name = self._name()
        if self._keyword() != "on":
            raise Unreadable
        type_condition = self._named_type()
        directives = self._directives(is_const=False)
        selection_set = self._selection_set()
        return _make(
            FragmentDefinitionNode,
            self._since(start),
            description=None,
            name=name,
            variable_definitions=(),
            type_condition=type_condition,
            directives=directives,
            selection_set=selection_set,
        )

    def _variable_definitions(self) -> tuple[VariableDefinitionNode, ...] | None:
        if not self._skip("("):
            return None
        definitions = [self._variable_definition()]
        while not self._skip(")"):
            definitions.append(self._variable_definition())
        return tuple(definitions)

    def _variable_definition(self) -> VariableDefinitionNode:
        start = self._at
        variable = self._variable()
        self._expect(":")
        type_ = self._type()
        default = self._value(is_const=True) if self._skip("=") else None
        directives = self._directives(is_const=True)
        return _make(
            VariableDefinitionNode,
            self._since(start),
            description=None,
            variable=variable,
            type=type_,
            default_value=default,
            directives=directives,
        )

    def _type(self) -> TypeNode:
        start = self._at
        type_: TypeNode
        if self._skip("["):
            self._enter()
            item = self._type()
            self._nesting -= 1
            self._expect("]")
            type_ = _make(ListTypeNode, self._since(start), type=item)
        else:
            type_ = self._named_type()
        return _make(NonNullTypeNode, self._since(start), type=type_) if self._skip("!") else type_

    def _named_type(self) -> NamedTypeNode:
        name = self._name()
        return _make(NamedTypeNode, TextLocation(name.loc.start, name.loc.end, self._source), name=name)  # type: ignore[union-attr] # every node has a location

    def _selection_set(self) -> SelectionSetNode:
        start = self._at
        self._expect("{")
        self._enter()
        selections: list[SelectionNode] = []
        kinds, values = self._kinds, self._values
        while True:
            at = self._at
            if kinds[at] == NAME:
                selections.append(self._field())
            elif values[at] == "..." and kinds[at] == PUNCTUATOR:
                self._at += 1
                selections.append(self._spread(at))
            else:
                self._expect("}")
                self._nesting -= 1
                return _make(SelectionSetNode, self._since(start), selections=tuple(selections))

    def _field(self) -> FieldNode:
        start = self._at
        name, alias = self._name(), None
        kinds, values = self._kinds, self._values
        if self._skip(":"):
            alias, name = name, self._name()
        arguments = directives = selection_set = None
        if kinds[self._at] == PUNCTUATOR:
            if values[self._at] == "(":
                arguments = self._arguments(is_const=False)
            if values[self._at] == "@":
                directives = self._directives(is_const=False)
            if values[self._at] == "{" and kinds[self._at] == PUNCTUATOR:
                selection_set = self._selection_set()
        return _make(
            FieldNode,
            self._since(start),
            alias=alias,
            name=name,
            arguments=arguments,
            directives=directives,
            selection_set=selection_set,
        )

    def _spread(self, start: int) -> SelectionNode:
        """The rest of a fragment spread or an inline fragment, after its dots."""
        type_condition = None
        if self._kinds[self._at] == NAME:
            if self._values[self._at] != "on":
                name = self._name()
                directives = self._directives(is_const=False)
                return _make(FragmentSpreadNode, self._since(start), name=name, directives=directives)
            self._at += 1
            type_condition = self._named_type()
        directives = self._directives(is_const=False)
        selection_set = self._selection_set()
        return _make(
            InlineFragmentNode,
            self._since(start),
            type_condition=type_condition,
            directives=directives,
            selection_set=selection_set,
        )

    def _directives(self, *, is_const: bool) -> tuple[DirectiveNode, ...] | None:
        directives: list[DirectiveNode] = []
        start = self._at
        while self._skip("@"):
            name = self._name()
            arguments = self._arguments(is_const=is_const)
            directives.append(_make(DirectiveNode, self._since(start), name=name, arguments=arguments))
            start = self._at
        return tuple(directives) if directives else None

    def _arguments(self, *, is_const: bool) -> tuple[ArgumentNode, ...] | None:
        if not self._skip("("):
            return None
        arguments: list[ArgumentNode] = []
        while not arguments or not self._skip(")"):
            start = self._at
            name = self._name()
            self._expect(":")
            value = self._value(is_const=is_const)
            arguments.append(_make(ArgumentNode, self._since(start), name=name, value=value))
        return tuple(arguments)

    def _value(self, *, is_const: bool) -> ValueNode:
        start = self._at
        kind, value = self._kinds[start], self._values[start]
        if kind == PUNCTUATOR:
            if value == "$" and not is_const:
                return self._variable()
            if value == "[":
                return self._list(is_const=is_const)
            if value == "{":
                return self._object(is_const=is_const)
            raise Unreadable
        loc = TextLocation(self._starts[start], self._ends[start], self._source)
        self._at += 1
        if kind in (STRING, BLOCK_STRING):
            return _make(StringValueNode, loc, value=value, block=kind == BLOCK_STRING)
        if kind == INT:
            return _make(IntValueNode, loc, value=value)
        if kind == FLOAT:
            return _make(FloatValueNode, loc, value=value)
        if kind != NAME:
            raise Unreadable
        if value == "true" or value == "false":
            return _make(BooleanValueNode, loc, value=value == "true")
        return _make(NullValueNode, loc) if value == "null" else _make(EnumValueNode, loc, value=value)

    def _list(self, *, is_const: bool) -> ListValueNode:
        start = self._at
        self._at += 1
        self._enter()
        values: list[ValueNode] = []
        while not self._skip("]"):
            values.append(self._value(is_const=is_const))
        self._nesting -= 1
        return _make(ListValueNode, self._since(start), values=tuple(values))

    def _object(self, *, is_const: bool) -> ObjectValueNode:
        start = self._at
        self._at += 1
        self._enter()
        fields: list[ObjectFieldNode] = []
        while not self._skip("}"):
            field_start = self._at
            name = self._name()
            self._expect(":")
            value = self._value(is_const=is_const)
            fields.append(_make(ObjectFieldNode, self._since(field_start), name=name, value=value))
        self._nesting -= 1
        return _make(ObjectValueNode, self._since(start), fields=tuple(fields))

    def _variable(self) -> VariableNode:
        start = self._at
        self._expect("$")
        name = self._name()
        return _make(VariableNode, self._since(start), name=name)

    def _name(self) -> NameNode:
        at = self._at
        if self._kinds[at] != NAME:
            raise Unreadable
        self._at = at + 1
        node = object.__new__(NameNode)
        attributes = node.__dict__
        attributes["value"] = self._values[at]
        attributes["loc"] = TextLocation(self._starts[at], self._ends[at], self._source)
        return node

    def _keyword(self) -> str:
        """The value of the next token, which must be a name."""
        at = self._at
        if self._kinds[at] != NAME:
            raise Unreadable
        self._at = at + 1
        return self._values[at]

    def _expect(self, punctuator: str) -> None:
        if not self._skip(punctuator):
            raise Unreadable

    def _skip(self, punctuator: str) -> bool:
        """Whether the next token is this punctuator. If so, it is passed."""
        at = self._at
        if self._values[at] != punctuator or self._kinds[at] != PUNCTUATOR:
            return False
        self._at = at + 1
        return True

    def _enter(self) -> None:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise Unreadable

    def _since(self, start: int) -> TextLocation:
        """The location from a token to the last one that was read."""
        return TextLocation(self._starts[start], self._ends[self._at - 1], self._source)
