"""graphql-core's own tests, fetched from the package index and called without its plugins."""

import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import graphql
import pytest

_PACKAGE = "graphql_core_tests"
"""What the folder `tests` of graphql-core is called here: ours has that name already."""


def fetch(folder: Path) -> None:
    """Put the tests of the installed version into a folder. Fails the test if they cannot be fetched."""
    requirement = f"graphql-core=={graphql.version}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "graphql-core"]
    command = [*pip, "--disable-pip-version-check", "--dest", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        pytest.fail(f"The tests of {requirement} could not be fetched: {result.stderr[-1000:]}")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
    (unpacked,) = folder.glob("graphql_core-*/tests")
    unpacked.rename(folder / _PACKAGE)


@contextmanager
def own_tests(part: str, folder: Path) -> Iterator[Iterator[tuple[str, Callable[[], Any]]]]:
    """The names of the tests of a part, such as `validation`, and functions that run them.

    They use what is patched in graphql-core when this is called.
    """
    sys.path.insert(0, str(folder))
    try:
        yield _own_tests(part, folder)
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.startswith(_PACKAGE)]:
            del sys.modules[name]


def _own_tests(part: str, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    for path in sorted((folder / _PACKAGE / part).glob("test_*.py")):
        module = import_module(f"{_PACKAGE}.{part}.{path.stem}")
        for name, value in list(vars(module).items()):
            if name.startswith("describe_"):
                yield from _tests_in(f"{path.stem}: {name}", value)


def _tests_in(name: str, describe: FunctionType) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The tests that a function defines inside itself, as the plugin `pytest-describe` finds them."""
    for inner, value in _locals_of(describe).items():
        if inner.startswith("describe_"):
            yield from _tests_in(f"{name} {inner}", value)
        elif (
            isinstance(value, FunctionType) and not inner.startswith("_") and not signature(value).parameters
        ):
            yield f"{name} {inner}", value


def _locals_of(function: FunctionType) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "return" and frame.f_code is function.__code__:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return found
