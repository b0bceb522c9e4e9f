"""Refusals of definitions, and of values that violate one."""

from gql_service.domain.values.validation import InputPath
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted


def invalid_definition(message: str, field: InputPath) -> Rejected:
    """The definition itself cannot be stored."""
    return Rejected(Problem.INVALID_DEFINITION, message, field)


def rule_violation(key: str, violation: str, field: InputPath) -> Rejected:
    """The value of a key violates its definition; `violation` names the rule."""
    message = f"The value of {quoted(key)} breaks a rule of its definition, {violation}."
    return Rejected(Problem.RULE_BROKEN, message, field)
