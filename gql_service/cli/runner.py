"""How a command does its work: on a migrated database, telling what the operator can mend in one line."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from gql_service import instants
from gql_service.app import build_services
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput, NotFound, Rejected, ServiceError
from gql_service.services.context import Services
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection

T = TypeVar("T")
_FOR_EVER = 7 * 86400.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def settings() -> Settings:
    """The settings of the environment."""
    try:
        return Settings()
    except ValidationError as error:
        details = error.errors()[0]
        fail(f"GQL_SERVICE_{str(details['loc'][0]).upper()}: {details['msg'].removeprefix('Value error, ')}")


def write(work: Callable[[Connection, int], Awaitable[T]]) -> T:
    """Run one transaction, given the current instant."""
    return on_migrated(
        lambda services: services.database.write(lambda transaction: work(transaction, services.clock()))
    )


def write_patiently(work: Callable[[Services, Connection, int], Awaitable[T]]) -> T:
    """Run one transaction that may take as long as it takes."""

    async def patient(services: Services) -> T:
        await require_migrated(services)
        return await services.database.write(lambda tx: work(services, tx, services.clock()))

    return run(patient, settings().model_copy(update={"database_timeout": _FOR_EVER}))


def on_migrated(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` on a database whose tables are up to date."""

    async def checked(services: Services) -> T:
        await require_migrated(services)
        return await work(services)

    return run(checked)


def run(work: Callable[[Services], Awaitable[T]], given: Settings | None = None) -> T:
    """Run `work` to its end; what the operator can mend is told without a traceback."""
    given = given or settings()

    async def closing() -> T:
        services = build_services(given)
        try:
            return await work(services)
        finally:
            await services.database.close()

    try:
        return asyncio.run(closing())
    except (ServiceError, Rejected) as error:
        fail(error.message)
    except DBAPIError as error:
        fail(f"The database refused: {error.orig}")
    except sqlite3.Error as error:
        fail(f"The database refused: {error}")
    except BrokenPipeError:
        raise  # whoever read what we print has seen enough
    except OSError as error:
        fail(f"The database cannot be reached: {error}")


async def require_migrated(_services: Services) -> None:
    if await known_state() is migrations.State.BEHIND:
        raise BadUserInput("The database is not up to date. Run: gql-service migrate")


async def known_state() -> migrations.State:
    """How far the database is migrated. Raises BadUserInput where a newer version did that."""
    state = await migrations.state(settings())
    if state is migrations.State.UNKNOWN:
        raise BadUserInput("The database was migrated by a newer gql-service. Install that version.")
    return state


async def user_named(connection: Connection, username: str) -> users.User:
    """Raises NotFound."""
    user = (await users.by_usernames(connection, [username]))[0]
    if user is None:
        raise NotFound(f"There is no user {username}.")
    return user


def seconds(duration: str | None) -> int | None:
    """A duration such as 90d."""
    if duration is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,8})([smhd])", duration)
    if match is None:
        fail(f"{duration!r} is no duration; write a number and s, m, h or d, such as 90d.")
    return int(match[1]) * _UNITS[match[2]]


def instant(at: int | None) -> str:
    """An instant for people to read; empty where there is none."""
    return "" if at is None else instants.rfc3339(at)


def show(table: Table) -> None:
    """Print a table; as wide as it needs to be where it goes to a file."""
    terminal = Console().is_terminal
    Console(width=None if terminal else 120, markup=False).print(table)


def plain(text: str) -> str:
    """Text without characters that would steer a terminal."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def fail(message: str) -> NoReturn:
    """End with a message and the exit code 1."""
    typer.echo(f"gql-service: {plain(message)}", err=True)
    raise typer.Exit(1)
