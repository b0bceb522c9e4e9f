"""What validation needs to know of a schema, in plain objects and dictionaries.

They are made when a document first mentions a type, so that a server does not spend time on types that nobody
asks for.
"""

from enum import Enum, auto
from typing import Any

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationType,
    TypeNameMetaFieldDef,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_input_type,
    is_leaf_type,
    is_object_type,
    is_wrapping_type,
)

_COMPOSITE = "*"
"""Stands for every object type, interface and union in the shape of a field."""


class Kind(Enum):
    """What a literal of an input type must look like."""

    NON_NULL = auto()
    LIST = auto()
    INPUT_OBJECT = auto()
    INT = auto()
    FLOAT = auto()
    STRING = auto()
    BOOLEAN = auto()
    ID = auto()
    ENUM = auto()
    SCALAR = auto()
    """A scalar of the service, which checks its literals itself."""


_SPECIFIED: dict[Any, Kind] = {
    GraphQLInt: Kind.INT,
    GraphQLFloat: Kind.FLOAT,
    GraphQLString: Kind.STRING,
    GraphQLBoolean: Kind.BOOLEAN,
    GraphQLID: Kind.ID,
}


class InputType:
    """A type of arguments, input fields and variables."""

    __slots__ = ("enum_values", "inputs", "is_one_of", "item", "kind", "required", "type")

    def __init__(self, type_: Any, kind: Kind, item: "InputType | None" = None) -> None:
        self.type = type_
        self.kind = kind
        self.item = item
        """The type inside a list or a non-null type."""
        self.inputs: dict[str, Input] = {}
        """The fields of an input object."""
        self.required: tuple[str, ...] = ()
        self.is_one_of = False
        self.enum_values: frozenset[str] = frozenset()

    def accepts(self, variable: "InputType") -> bool:
        """Whether a variable of another type may be used where this type is expected."""
        if self is variable:
            return True
        if self.kind is Kind.NON_NULL:
            return variable.kind is Kind.NON_NULL and _inside(self).accepts(_inside(variable))
        if variable.kind is Kind.NON_NULL:
            return self.accepts(_inside(variable))
        if self.kind is Kind.LIST or variable.kind is Kind.LIST:
            return self.kind is variable.kind and _inside(self).accepts(_inside(variable))
        return self.type is variable.type


def _inside(type_: InputType) -> InputType:
    assert type_.item is not None, "only lists and non-null types are asked for it"
    return type_.item


class Input:
    """An argument or an input field."""

    __slots__ = ("has_default", "max_items", "type")

    def __init__(self, type_: InputType, *, has_default: bool, max_items: int | None) -> None:
        self.type = type_
        self.has_default = has_default
        self.max_items = max_items
        """How many items a list may have: see `list_limits.py`."""


class OutputField:
    """A field of an object type or an interface."""

    __slots__ = ("child", "inputs", "required", "shape")

    def __init__(
        self, shape: str, child: str | None, inputs: dict[str, Input], required: tuple[str, ...]
    ) -> None:
        self.shape = shape
        """Equal for fields whose values may be merged: the type, but any composite type for each other."""
        self.child = child
        """The name of the type of its selections; None for leaves."""
        self.inputs = inputs
        self.required = required


class CompositeType:
    """An object type, an interface or a union."""

    __slots__ = ("fields", "is_object", "name", "possible")

    def __init__(
        self, name: str, fields: dict[str, OutputField], possible: frozenset[str], *, is_object: bool
    ) -> None:
        self.name = name
        self.fields = fields
        self.possible = possible
        """The names of the object types that it may be."""
        self.is_object = is_object

    def overlaps(self, other: "CompositeType") -> bool:
        """Whether an object may be of both types."""
        return self is other or not self.possible.isdisjoint(other.possible)


class Directive:
    """A directive, and where it may be used."""

    __slots__ = ("inputs", "is_repeatable", "locations", "required")

    def __init__(
        self,
        locations: frozenset[DirectiveLocation],
        inputs: dict[str, Input],
        required: tuple[str, ...],
        *,
        is_repeatable: bool,
    ) -> None:
        self.locations = locations
        self.inputs = inputs
        self.required = required
        self.is_repeatable = is_repeatable


class SchemaTables:
    """The types and directives of a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._composites: dict[str, CompositeType | None] = {}
        self._inputs: dict[str, InputType] = {}
        self._typename = self._field(TypeNameMetaFieldDef)
        self.directives = {
            each.name: Directive(
                frozenset(each.locations),
                self._inputs_of(each.args),
                _required(each.args),
                is_repeatable=each.is_repeatable,
            )
            for each in schema.directives
        }

    def root(self, operation: OperationType) -> CompositeType | None:
        """The root type of an operation; None if the schema does not have it."""
        type_ = self._schema.get_root_type(operation)
        return self.composite(type_.name) if type_ else None

    def composite(self, name: str) -> CompositeType | None:
        """The composite type of a name; None if there is none."""
        try:
            return self._composites[name]
        except KeyError:
            pass
        type_ = self._schema.type_map.get(name)
        if not is_composite_type(type_):
            return None  # and not kept: clients may ask for any name
        table = self._composites[name] = self._composite(type_)
        return table

    def named_input(self, name: str) -> InputType | None:
        """The input type of a name; None if there is none."""
        type_ = self._schema.type_map.get(name)
        return self._input_type(type_) if type_ is not None and is_input_type(type_) else None

    def _composite(self, type_: Any) -> CompositeType:
        fields = {} if not hasattr(type_, "fields") else type_.fields
        possible = self._schema.get_possible_types(type_) if is_abstract_type(type_) else [type_]
        table = {name: self._field(field) for name, field in fields.items()}
        return CompositeType(
            type_.name,
            {**table, "__typename": self._typename},
            frozenset(each.name for each in possible),
            is_object=is_object_type(type_),
        )

    def _field(self, field: Any) -> OutputField:
        named, shape = get_named_type(field.type), str(field.type)
        if is_leaf_type(named):
            return OutputField(shape, None, self._inputs_of(field.args), _required(field.args))
        shape = shape.replace(named.name, _COMPOSITE)
        return OutputField(shape, named.name, self._inputs_of(field.args), _required(field.args))

    def _inputs_of(self, definitions: dict[str, Any]) -> dict[str, Input]:
        return {
            name: Input(
                self._input_type(definition.type),
                has_default=_has_default(definition),
                max_items=definition.extensions.get("max_items"),
            )
            for name, definition in definitions.items()
        }

    def _input_type(self, type_: Any) -> InputType:
        text = str(type_)
        if text in self._inputs:
            return self._inputs[text]
        if is_wrapping_type(type_):
            kind = Kind.NON_NULL if isinstance(type_, GraphQLNonNull) else Kind.LIST
            table = self._inputs[text] = InputType(type_, kind, self._input_type(type_.of_type))
            return table
        table = self._inputs[text] = InputType(type_, _kind(type_))  # before its fields: they may be of it
        if isinstance(type_, GraphQLInputObjectType):
            table.inputs = self._inputs_of(type_.fields)
            table.required = _required(type_.fields)
            table.is_one_of = type_.is_one_of
        elif isinstance(type_, GraphQLEnumType):
            table.enum_values = frozenset(type_.values)
        return table


def list_of(item: InputType) -> InputType:
    """The type of lists of a type."""
    return InputType(GraphQLList(item.type), Kind.LIST, item)


def non_null(type_: InputType) -> InputType:
    """The type of the values of a type but null."""
    return InputType(GraphQLNonNull(type_.type), Kind.NON_NULL, type_)


def _kind(type_: Any) -> Kind:
    if isinstance(type_, GraphQLInputObjectType):
        return Kind.INPUT_OBJECT
    return Kind.ENUM if isinstance(type_, GraphQLEnumType) else _SPECIFIED.get(type_, Kind.SCALAR)


def _has_default(definition: GraphQLArgument | GraphQLInputField) -> bool:
    return definition.default is not None or definition.default_value is not Undefined


def _required(definitions: dict[str, Any]) -> tuple[str, ...]:
    """The names of the arguments or input fields that must be provided."""
    return tuple(
        name
        for name, definition in definitions.items()
        if isinstance(definition.type, GraphQLNonNull) and not _has_default(definition)
    )
