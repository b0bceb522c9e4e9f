"""What mutations change takes a proof that the caller may change it."""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gql_service.auth import access
from gql_service.schema import mutations

PROOFS = {access.PlatformAccess, access.TenantsAccess, access.UserAccess}
WITHOUT_PROOF = {"provisioning.lock", "notifications.mark_read", "access_tokens.revoke"}
"""The first changes nothing, the second is for the viewer only. The third takes the id of a token, which the
resolver checks in the same transaction."""


def changes() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions that mutations call with the connection of their transaction."""
    for path in sorted(Path(mutations.__file__).parent.glob("*.py")):
        module = importlib.import_module(f"{mutations.__name__}.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) == "connection":
                yield f"{path.stem}: {ast.unparse(node.func)}", resolve(module, node.func)


def resolve(module: object, name: ast.expr) -> Any:
    return (
        getattr(resolve(module, name.value), name.attr)
        if isinstance(name, ast.Attribute)
        else getattr(module, ast.unparse(name))
    )


def takes_proof(function: Callable[..., Any]) -> bool:
    """Whether it does, or changes nothing: then its connection is not called `transaction`."""
    connection, first, *_ = inspect.signature(function).parameters.values()
    return connection.name == "connection" or first.annotation in PROOFS


def test_whatever_mutations_change_takes_a_proof_of_access() -> None:
    found = dict(changes())
    assert len(found) >= 20
    without = {name.partition(": ")[2] for name, function in found.items() if not takes_proof(function)}
    assert without == WITHOUT_PROOF
