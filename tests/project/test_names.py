"""The names in the code: no identifier is one of the words that do not say what a value is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    path
    for folder in ("gql_service", "tests", "bench", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)
UNCLEAR = {
    "asked", "born", "described", "door", "given", "mended", "once", "operated", "recalled", "said", "shown",
    "together", "told", "unsign",
}  # fmt: skip


def _defined_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and name of every identifier that the code defines; names that it only uses do not count."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=name, lineno=line)
                | ast.AsyncFunctionDef(name=name, lineno=line)
                | ast.ClassDef(name=name, lineno=line)
                | ast.arg(arg=name, lineno=line)
                | ast.Name(id=name, ctx=ast.Store(), lineno=line)
                | ast.Attribute(attr=name, ctx=ast.Store(), lineno=line)
                | ast.alias(asname=str(name), lineno=line)
                | ast.ExceptHandler(name=str(name), lineno=line)
                | ast.MatchAs(name=str(name), lineno=line)
                | ast.MatchStar(name=str(name), lineno=line)
                | ast.MatchMapping(rest=str(name), lineno=line)
            ):
                yield line, name


def _unclear_names(code: str) -> list[str]:
    return [
        f"line {line}: {name}"
        for line, name in _defined_names(ast.parse(code))
        if name.strip("_").lower() in UNCLEAR
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_identifier_is_an_unclear_word(path: Path) -> None:
    assert _unclear_names(path.read_text()) == []


@pytest.mark.parametrize(
    "code",
    [
        "told = 1",
        "_GIVEN: int = 1",
        "def said(): ...",
        "async def together(): ...",
        "class Born: ...",
        "class A:\n    shown: int",
        "class A:\n    def asked(self): ...",
        "def f(told): ...",
        "def f(*given, **said): ...",
        "lambda door: door",
        "a.once = 1",
        "for shown, _ in (): ...",
        "with f() as told: ...",
        "[given for given in ()]",
        "(once := 1)",
        "import a as mended",
        "try: ...\nexcept E as told: ...",
        "match a:\n    case [*said]: ...",
        "match a:\n    case {**given}: ...",
    ],
)
def test_an_unclear_word_is_found_in_every_kind_of_definition(code: str) -> None:
    assert _unclear_names(code)


@pytest.mark.parametrize(
    "code", ["from hypothesis import given", "@given(a)\ndef f(a): ...", "a_door = b.told"]
)
def test_parts_of_names_and_names_from_elsewhere_are_allowed(code: str) -> None:
    assert _unclear_names(code) == []
