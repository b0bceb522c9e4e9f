"""The structure of the code: imports point downward, files are small, and every module has a subject."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "gql_service"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)
LEAVES = {
    "live_settings", "oidc_settings", "page_settings",
    "settings", "environment", "errors", "auth", "observability",
    "instants", "names", "numbers", "strict_json", "quoting",
}  # fmt: skip
# The parts that each part may import, besides itself and LEAVES.
ALLOWED = {
    "__main__": {"cli"},
    "cli": {"server", "app", "demo", "transfer", "services", "domain", "store"},
    "server": {"app"},
    "transfer": {"domain", "store"},
    "demo": {"domain", "store"},
    "app": {"web", "engine", "schema", "services", "domain", "store"},
    "web": {"engine", "services", "domain", "store"},
    "engine": set[str](),
    "schema": {"services", "domain", "store"},
    "services": {"domain", "store"},
    "domain": {"store"},
    "store": set[str](),
}
# Inside `domain/`, each level may import the levels after it.
DOMAIN = [
    {"maintenance"},
    {"webhooks"},
    {"writes", "flags"},
    {"definitions", "history"},
    {"search"},
    {"documents"},
    {"users"},
    {"tenants", "values"},
    {"events"},
    {"retention", "pagination", "tombstones"},
]
LEAF_ALLOWED = {
    "strict_json": {"numbers"},
    "auth": {"errors"},
    "environment": {"settings"},
    "settings": {"live_settings", "oidc_settings", "page_settings"},
}
FOREIGN = {"domain": {"strawberry", "graphql", "starlette"}, "store": {"strawberry", "graphql", "starlette"}}


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _imported_parts(path: Path) -> Iterator[str]:
    for name in _imports(path):
        if name.startswith("gql_service."):
            yield name.split(".")[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    part = _part(path)
    if part == "__init__":
        assert not list(_imported_parts(path))
        return
    allowed = {part} | (LEAF_ALLOWED.get(part, set()) if part in LEAVES else ALLOWED[part] | LEAVES)
    assert set(_imported_parts(path)) <= allowed
    assert not {name.split(".")[0] for name in _imports(path)} & FOREIGN.get(part, set())


def _level(part: str) -> int:
    (level,) = (level for level, parts in enumerate(DOMAIN) if part in parts)
    return level


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "domain").rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_in_domain_point_downward(path: Path) -> None:
    own = path.relative_to(PACKAGE / "domain").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    imported = {name.split(".")[2] for name in _imports(path) if name.startswith("gql_service.domain.")}
    assert [part for part in imported - {own} if _level(part) <= _level(own)] == []


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_there_are_no_import_cycles() -> None:
    """Imports for type checking count as well, because they make a module depend on another."""
    modules = {_module(path): path for path in SOURCES}
    graph = {
        module: {
            target
            for name in _imports(path)
            for target in (name, name.rpartition(".")[0])
            if target in modules and target != module
        }
        for module, path in modules.items()
    }
    # Ignore imports of a module's own package, which Python imports before the module.
    for module, targets in graph.items():
        graph[module] = {target for target in targets if not module.startswith(f"{target}.")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_are_at_the_top(path: Path) -> None:
    tree = _tree(path)
    nested = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert nested == []


@pytest.mark.parametrize("path", [*SOURCES, *(ROOT / "tests").rglob("*.py")], ids=lambda path: path.name)
def test_files_stay_below_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 500


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_a_docstring(path: Path) -> None:
    assert path.stat().st_size == 0 or ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_domain_and_store_build_sql(path: Path) -> None:
    statements = {"select", "insert", "update", "delete", "text"}
    found = {name for name in _imports(path) if name.split(".")[0] == "sqlalchemy"}
    if _part(path) not in ("domain", "store"):
        assert not {name.rpartition(".")[2] for name in found} & statements


def _files_with(*texts: str) -> list[str]:
    return [path.name for path in SOURCES if any(text in path.read_text() for text in texts)]


def test_only_the_store_begins_and_commits() -> None:
    found = {path for path in SOURCES for text in (".commit(", "COMMIT", "BEGIN", ".begin(", ".transaction(")
             if text in path.read_text()}  # fmt: skip
    assert {_part(path) for path in found} == {"store"}


def test_one_module_reads_the_environment() -> None:
    assert _files_with("os.environ", "getenv") == ["environment.py"]


def test_no_module_has_a_generic_name() -> None:
    assert not {path.stem for path in SOURCES} & {"utils", "helpers", "common", "manager", "base", "misc"}
