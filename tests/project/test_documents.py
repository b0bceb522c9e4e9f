"""The documents in `docs/` are complete: they are compared with the code."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPMethod, HTTPStatus
from pathlib import Path

from graphql import is_scalar_type, is_specified_scalar_type

import gql_service
from gql_service.errors import Problem
from gql_service.schema.build import build_schema
from tests.support.documented_clients import scalar_types

PACKAGE = Path(gql_service.__file__).parent
ERRORS = (PACKAGE.parent / "docs" / "errors.md").read_text()
HTTP_SOURCES = [PACKAGE / "errors.py", *(PACKAGE / "web").glob("*.py")]
SOURCES = [*HTTP_SOURCES, *(PACKAGE / "engine").rglob("*.py")]
HIDDEN_SCALARS = {"_FieldSet", "link__Import"}
"""They are arguments of directives, which schemas for clients do not define."""
CODE = re.compile(r"[A-Z]{3,}(_[A-Z]+)*")
PROBLEMS = {problem.value for problem in Problem}


def _constants(path: Path) -> Iterator[object]:
    return (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))


def _codes_in_the_source() -> set[str]:
    """Every string in capitals that is not a part of HTTP. All codes are among them."""
    strings = {each for path in SOURCES for each in _constants(path) if isinstance(each, str)}
    return (
        {each for each in strings if CODE.fullmatch(each)}
        - {method.value for method in HTTPMethod}
        - {"DENY"}  # the value of X-Frame-Options
        - {"STATIC", "UNKNOWN"}  # reasons of OFREP
        - _codes_of_ofrep()
    )


def _codes_of_ofrep() -> set[str]:
    """Codes of the protocol that are no codes of ours."""
    strings = {each for each in _constants(PACKAGE / "web" / "ofrep.py") if isinstance(each, str)}
    return {each for each in strings if CODE.fullmatch(each)} - {"STATIC", "UNKNOWN", "POST"}


def first_column(section: str) -> Counter[str]:
    """How often each text occurs in the first column of a table in a section of `docs/errors.md`."""
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", ERRORS, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| `?(\w+)`? \|", text, re.MULTILINE)
    return Counter(cell for cell in cells if cell not in ("code", "status"))


def test_every_code_of_a_top_level_error_is_documented_once() -> None:
    assert first_column("Codes of top-level errors") == Counter(_codes_in_the_source() - PROBLEMS)


def test_every_code_of_ofrep_is_documented_once() -> None:
    assert first_column("Codes of OFREP") == Counter(_codes_of_ofrep())


def test_every_code_of_user_errors_is_documented_once() -> None:
    assert first_column("Codes of `userErrors`") == Counter(PROBLEMS)


def test_every_http_status_is_documented_once() -> None:
    integers = {each for path in HTTP_SOURCES for each in _constants(path) if type(each) is int}
    statuses = integers & {status.value for status in HTTPStatus}
    assert first_column("HTTP statuses") == Counter(map(str, statuses))


def _custom_scalars() -> set[str]:
    types = build_schema()._schema.type_map.values()
    custom = {each.name for each in types if is_scalar_type(each) and not is_specified_scalar_type(each)}
    return custom - HIDDEN_SCALARS


def test_the_map_for_code_generators_has_every_custom_scalar() -> None:
    assert scalar_types().keys() == _custom_scalars()


def test_the_explorer_knows_every_custom_scalar() -> None:
    schemas = json.loads((PACKAGE / "frontend" / "src" / "explorer" / "scalars.json").read_text())
    assert schemas.keys() == _custom_scalars()
