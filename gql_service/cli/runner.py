"""Runs the work of a command on the database, and turns expected errors into one line on standard error."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from gql_service.app import build_services
from gql_service.cli.output import exit_with_error
from gql_service.domain.users import rows as users
from gql_service.environment import InvalidSettings, read_server_settings, read_settings
from gql_service.errors import BadUserInput, NotFound, Rejected, ServiceError
from gql_service.observability import logging
from gql_service.observability.security_log import LocalOrigin, SecurityEvent
from gql_service.services.context import Services
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection

T = TypeVar("T")
_ONE_WEEK = 7 * 86400.0
_SOURCE, _ACTOR = "cli", "command-line"
"""How the security log names the command line and whoever uses it."""


def settings() -> Settings:
    """The settings from the environment. Ends the command if any are invalid, and names all of them."""
    with _invalid_settings_told():
        return read_settings()


def server_settings() -> tuple[Settings, list[str]]:
    """The settings, and the texts of the trusted documents. Ends the command if any are invalid."""
    with _invalid_settings_told():
        return read_server_settings()


@contextmanager
def _invalid_settings_told() -> Iterator[None]:
    try:
        yield
    except InvalidSettings as error:
        exit_with_error(*error.problems)


def write(work: Callable[[Connection, int], Awaitable[T]]) -> T:
    """Run `work` in one transaction, with the current time in milliseconds."""
    return run_on_migrated(
        lambda services: services.database.write(
            lambda transaction: work(transaction, services.clock()), partial(log_events, services)
        )
    )


def write_without_timeout(work: Callable[[Services, Connection, int], Awaitable[T]]) -> T:
    """Run `work` in one transaction that may take up to a week, with the current time in milliseconds."""

    async def write(services: Services) -> T:
        await require_migrated(services)
        return await services.database.write(
            lambda tx: work(services, tx, services.clock()), partial(log_events, services)
        )

    return run(write, settings().model_copy(update={"database_timeout": _ONE_WEEK}))


def run_on_migrated(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` on a database whose tables are up to date."""

    async def check_and_work(services: Services) -> T:
        await require_migrated(services)
        return await work(services)

    return run(check_and_work)


def run(work: Callable[[Services], Awaitable[T]], configuration: Settings | None = None) -> T:
    """Run `work`, by default with the settings from the environment, and close the database."""
    configuration = configuration or settings()
    open_security_log(configuration)

    async def work_and_close() -> T:
        services = build_services(configuration)
        try:
            return await work(services)
        finally:
            await services.database.close()

    with expected_errors():
        return asyncio.run(work_and_close())


@contextmanager
def expected_errors() -> Iterator[None]:
    """Errors that the operator can fix end the command with a message and without a traceback."""
    try:
        yield
    except (ServiceError, Rejected) as error:
        exit_with_error(error.message)
    except DBAPIError as error:
        exit_with_error(f"The database reported an error: {error.orig}")
    except sqlite3.Error as error:
        exit_with_error(f"The database reported an error: {error}")
    except BrokenPipeError:
        raise  # the reader of standard output has closed it: Typer ends the command silently
    except OSError as error:
        exit_with_error(f"Cannot connect to the database: {error}")


def log_events(services: Services, events: Sequence[SecurityEvent]) -> None:
    """Write events to the security log, if it has a file: standard error is for people."""
    if services.settings.security_log is not None:
        for event in events:
            services.security_log.write(event, source=_SOURCE, actor=_ACTOR, origin=LocalOrigin())


async def require_migrated(_services: Services) -> None:
    """Raises BadUserInput if the tables are not up to date."""
    if await migration_state() is migrations.State.BEHIND:
        raise BadUserInput("The database is not up to date. Run: gql-service migrate")


async def migration_state() -> migrations.State:
    """CURRENT or BEHIND. Raises BadUserInput if a newer version has migrated the database."""
    state = await migrations.state(settings())
    if state is migrations.State.UNKNOWN:
        raise BadUserInput("The database was migrated by a newer gql-service. Install that version.")
    return state


def open_security_log(configuration: Settings) -> None:
    """Open the file of the security log, if it has one. Ends the command if that fails.

    Standard error is for people: of the other lines, it gets warnings only.
    """
    if configuration.security_log is not None:
        try:
            logging.configure("warning", configuration.security_log)
        except OSError as error:
            exit_with_error(f"GQL_SERVICE_SECURITY_LOG: cannot write {error.filename}: {error.strerror}")


async def user_by_username(connection: Connection, username: str) -> users.User:
    """Raises NotFound."""
    (user,) = await users.by_usernames(connection, [username])
    if user is None:
        raise NotFound(f"There is no user {username}.")
    return user
