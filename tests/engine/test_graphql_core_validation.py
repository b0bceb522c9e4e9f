"""graphql-core's own tests of validation: each document that they validate gets the same verdict from ours.

They are fetched when the test runs, so `make test` leaves it out. `make test-long` fails if it cannot fetch.
"""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    parse,
    print_ast,
    specified_rules,
    validate,
)
from hypothesis import settings

from gql_service.engine.document.parser import parse_text
from gql_service.engine.document.schema_tables import SchemaTables
from gql_service.engine.document.validator import is_valid
from tests.support.graphql_core_tests import fetch, own_tests

pytestmark = pytest.mark.skipif(
    settings().max_examples < 1000, reason="it fetches graphql-core's tests: `make test-long` runs it"
)
LEFT_TO_GRAPHQL_CORE = {
    "introspection": ("__schema", "__type("),
    "subscriptions with fragments or directives at their root": ("subscription",),
    "fragments that are nested 100 levels deep": ("...F99", "fragment C on Query { ... on Query {"),
}
"""What our validator refuses although it may be valid, and texts that such documents contain."""


FRAGMENT_ARGUMENTS = "arguments of fragments"
"""An experiment of graphql-core; the parser of the service does not know them."""
_ABORTED = "Validation aborted."


def uses_fragment_arguments(document: DocumentNode) -> bool:
    return any(
        isinstance(each, FragmentDefinitionNode) and each.variable_definitions
        for each in document.definitions
    )


class Comparison:
    """Stands in for graphql-core's `validate`, and compares the verdict of our validator."""

    def __init__(self) -> None:
        self._tables: dict[int, tuple[GraphQLSchema, SchemaTables]] = {}
        self.verdicts: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        """How many valid documents our validator leaves to graphql-core, by the reason."""
        self.wrong: list[str] = []

    def validate(
        self, schema: GraphQLSchema, document: DocumentNode, *args: Any, **kwargs: Any
    ) -> list[GraphQLError]:
        self._compare(schema, document)
        return validate(schema, document, *args, **kwargs)

    def _compare(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        _, tables = self._tables.setdefault(id(schema), (schema, SchemaTables(schema)))
        text = document.loc.source.body if document.loc else print_ast(document)
        own = parse_text(text, 100_000)
        if own is not None and own != parse(text):
            self.wrong.append(f"parsed differently: {text}")
        accepted = is_valid(tables, document)
        errors = validate(schema, document, specified_rules, max_errors=1)
        if [each.message for each in errors] == [_ABORTED]:
            return  # the test lowers the limits of graphql-core
        if accepted and errors:
            self.wrong.append(f"accepted: {text}")
        elif not accepted and not errors:
            reasons = [
                name for name, texts in LEFT_TO_GRAPHQL_CORE.items() if any(each in text for each in texts)
            ]
            if uses_fragment_arguments(document):
                reasons.append(FRAGMENT_ARGUMENTS)
            if not reasons:
                self.wrong.append(f"refused: {text}")
            self.left.update(reasons[:1])
        else:
            self.verdicts["valid" if accepted else "not valid"] += 1


def test_our_validator_agrees_with_the_tests_of_graphql_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(tmp_path)
    comparison, ran = Comparison(), 0
    for name in ("graphql.validation.validate", "graphql.validation", "graphql"):
        monkeypatch.setattr(import_module(name), "validate", comparison.validate)
    with own_tests("validation", tmp_path) as tests:
        for _name, run in tests:
            run()
            ran += 1
    assert comparison.wrong == []
    assert set(comparison.left) == {*LEFT_TO_GRAPHQL_CORE, FRAGMENT_ARGUMENTS}
    assert ran >= 700
    assert min(comparison.verdicts.values()) >= 100
