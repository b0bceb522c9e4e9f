"""Commands that are imported when they are used.

The modules of most commands import the whole service, which takes most of a second of processor time. Health
checks of containers run a command every few seconds, which needs nothing of it.
"""

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


class CommandsOnDemand(UserDict[str, Any]):
    """Commands by name.

    At first, the value is where the command is: the module in `cli`, and the name of its function or group.
    """

    def __getitem__(self, name: str) -> Any:
        command = self.data[name]
        if isinstance(command, str):
            command = self.data[name] = _load(name, command)
        return command


def group_of(places: Mapping[str, str]) -> type[TyperGroup]:
    """The class of a group of commands; `places` says where each is."""

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = CommandsOnDemand(places)

    return Group


def _load(name: str, place: str) -> Any:
    """Help and completion load every command, since they print a sentence about each."""
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"gql_service.cli.{module}"), attribute)
    parent = typer.Typer(rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    return get_group(parent).commands[name]
