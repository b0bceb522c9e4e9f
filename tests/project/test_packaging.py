"""The wheel and the source archive: their files, and that the wheel works with nothing else installed."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.cli_processes import environment, serving_process

ROOT = Path(__file__).parent.parent.parent


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a program, which must succeed; returns its output."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_contains_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    package = ROOT / "gql_service"
    skipped = {"node_modules", "__pycache__"}
    expected = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and not skipped & set(path.parts)
    }
    frontend = "gql_service/frontend/"
    pages = (f"{frontend}dist/", f"{frontend}fallback.", f"{frontend}event-stream.js")
    expected = {name for name in expected if not name.startswith(frontend) or name.startswith(pages)}
    names = files_of(wheel)
    assert names == expected
    assert "gql_service/py.typed" in names
    assert "gql_service/frontend/fallback.html" in names
    assert "gql_service/frontend/fallback.js" in names
    assert any(re.fullmatch(r"gql_service/store/migrations/versions/\w+\.py", name) for name in names)


def files_of(wheel: Path) -> set[str]:
    """The files of a wheel, without those that describe it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_source_archive_has_every_file_of_the_repository_and_builds_the_wheel(
    wheel: Path, tmp_path: Path
) -> None:
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir")
    run(*build, tmp_path, "--sdist", ROOT, cwd=ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "sources", filter="data")
    (sources,) = (tmp_path / "sources").iterdir()
    names = {str(path.relative_to(sources)) for path in sources.rglob("*") if path.is_file()}
    pages = {name for name in files_of(wheel) if name.startswith("gql_service/frontend/dist/")}
    require("git", shutil.which("git") is not None)
    list_files = ("git", "ls-files")
    tracked = set(run(*list_files, cwd=ROOT).splitlines())
    new = set(run(*list_files, "--others", "--exclude-standard", cwd=ROOT).splitlines())
    assert tracked <= names
    assert names <= tracked | new | pages | {"PKG-INFO"}
    run(*build, tmp_path, "--wheel", sources, cwd=tmp_path)
    (rebuilt,) = tmp_path.glob("*.whl")
    assert files_of(rebuilt) == files_of(wheel)


def test_every_requirement_is_imported() -> None:
    """Otherwise, users would install and maintain packages that the service does not need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["postgres"]]
    assert [re.split("[>=<-]", each)[0] for each in extras["tracing"]] == ["opentelemetry", "opentelemetry"]
    names = {re.split(r"[\[<>=]", each)[0].removesuffix("-graphql").replace("-", "_") for each in required}
    imported = set()
    for path in (ROOT / "gql_service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    names = {"jwt" if each == "pyjwt" else each for each in names}
    assert names - imported == {"uvloop", "websockets"}, "uvicorn imports them"


def test_the_installed_wheel_migrates_issues_a_token_and_serves(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv / "bin/python"]
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    run(*pip, "install", "--quiet", "--no-compile", wheel, cwd=tmp_path)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    installed = run(*pip, "list", cwd=tmp_path)
    assert "aiosqlite" in installed
    assert "asyncpg" not in installed, "the extra was not asked for"
    program = str(venv / "bin/gql-service")
    url = f"sqlite+aiosqlite:///{folder / 'data.sqlite3'}"
    compile_once = {"PYTHONDONTWRITEBYTECODE": ""}  # the first import compiles what was installed
    env = environment(url) | compile_once
    env.pop("PYTHONPATH", None)

    def run_service(*arguments: str) -> str:
        return run(program, *arguments, cwd=folder, env=env).strip()

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run_service("--version") == f"gql-service {version}"
    run_service("migrate")
    without_extra = subprocess.run(
        [program, "migrate"], cwd=folder, env=env | {"GQL_SERVICE_TRACING": "true"}, capture_output=True
    )
    assert (
        b"GQL_SERVICE_TRACING: install the extra: pip install 'gql-service[tracing]'" in without_extra.stderr
    )
    run_service("tenant", "create", "Acme", "--id", "acme")
    run_service("user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com")
    token = run_service("token", "issue", "joe")
    with serving_process(folder, url, program=[program], extra=compile_once) as server:
        assert server.ask("{ me { username } }", token).json() == {"data": {"me": {"username": "joe"}}}
    assert run_service("export-schema") == (ROOT / "schema.graphql").read_text().strip()
