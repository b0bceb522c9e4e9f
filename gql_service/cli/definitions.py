"""The commands about what metadata may be: definitions, and the mode of a platform."""

from typing import Annotated, Any

import orjson
import typer

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.auth.policy import Policy
from gql_service.cli import runner as running
from gql_service.cli.tenants import platform_app
from gql_service.domain import tenants
from gql_service.domain.definitions import define as defining
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.tenants import MetadataMode
from gql_service.domain.values.types import ValueType
from gql_service.errors import NotFound
from gql_service.services.context import Services
from gql_service.store.connection import Connection

definition_app = typer.Typer(no_args_is_help=True, help="Definitions: what the keys of a platform may hold.")


def _option(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help)


Text = str | None
Number = int | None
Flag = bool | None
_FORCE = _option("Go ahead where documents break it: they stay until their values are next written.")


@definition_app.command("set")
def definition_set(
    platform: str,
    key: str,
    type: Annotated[ValueType, _option("The type of the values.")],
    minimum: Annotated[Text, _option("The least number, or the first date.")] = None,
    maximum: Annotated[Text, _option("The greatest number, or the last date.")] = None,
    min_length: Annotated[Number, _option("The fewest characters, or bytes of binary data.")] = None,
    max_length: Annotated[Number, _option("The most characters, or bytes of binary data.")] = None,
    pattern: Annotated[Text, _option("A regular expression to be found in every text.")] = None,
    choices: Annotated[Text, _option("The only values there may be, as a JSON list.")] = None,
    schema: Annotated[Text, _option("A JSON Schema of draft 2020-12 for every value.")] = None,
    encrypted: Annotated[Flag, _option("New values are encrypted.")] = None,
    indexed: Annotated[Flag, _option("Users may be searched by new values.")] = None,
    public: Annotated[Flag, _option("Users may see new entries.")] = None,
    editable: Annotated[Flag, _option("Users may set the key, and change new entries.")] = None,
    category: Annotated[Text, _option("What new entries are grouped by.")] = None,
    description: Annotated[Text, _option("What the entries are for.")] = None,
    force: Annotated[bool, _FORCE] = False,
) -> None:
    """Define a key of a platform, instead of what was defined before. It takes the time it needs."""
    is_number = type is ValueType.number
    given = {
        "key": key,
        "value_type": type.value,
        "minimum": _json("--minimum", minimum) if is_number else minimum,
        "maximum": _json("--maximum", maximum) if is_number else maximum,
        "min_length": min_length,
        "max_length": max_length,
        "pattern": pattern,
        "choices": _json("--choices", choices),
        "schema": _json("--schema", schema),
        "is_encrypted": encrypted,
        "is_indexed": indexed,
        "is_public": public,
        "is_editable": editable,
        "category": category,
        "description": description,
    }

    async def define(services: Services, transaction: Connection, now: int) -> int:
        access = await _platform(transaction, platform)
        defined = defining.check_input(given, services.rules.limits)
        _, broken = await defining.define(
            transaction, access, defined, force=force, keys=services.rules.keys, now=now, seconds=None
        )
        return broken

    broken = running.write_patiently(define)
    typer.echo(f"{key} is defined on {platform}{_broken(broken)}.")


@definition_app.command("list")
def definition_list(platform: str) -> None:
    """Print the definitions of a platform, a JSON object a line."""

    async def read(services: Services) -> list[StoredDefinition]:
        async with services.database.read() as connection:
            access = await _platform(connection, platform)
            (rows,) = await definitions.stored_of_platforms(connection, [access.platform_id])
            return rows

    for row in running.on_migrated(read):
        line = {"key": row.key, "valueType": row.stored_type, "rules": row.rules, "defaults": row.defaults}
        typer.echo(orjson.dumps(line))


@definition_app.command("remove")
def definition_remove(platform: str, key: str) -> None:
    """Let a key of a platform have any values again. Those there are stay."""

    async def remove(_services: Services, transaction: Connection, _now: int) -> bool:
        access = await _platform(transaction, platform)
        return await defining.remove_definition(transaction, access, key)

    removed = running.write_patiently(remove)
    typer.echo(f"{key} is defined no more." if removed else f"{key} was not defined.")


@platform_app.command("mode")
def platform_mode(
    platform: str,
    mode: Annotated[
        MetadataMode, typer.Argument(case_sensitive=False, help="Any keys, or defined ones only.")
    ],
    force: Annotated[bool, _FORCE] = False,
) -> None:
    """Say which keys the documents of a platform may have. It takes the time it needs."""

    async def change(_services: Services, transaction: Connection, now: int) -> int:
        access = await _platform(transaction, platform)
        return await defining.set_mode(transaction, access, mode, force=force, now=now, seconds=None)

    broken = running.write_patiently(change)
    typer.echo(f"{platform} is {mode.value.lower()}{_broken(broken)}.")


async def _platform(connection: Connection, key: str) -> PlatformAccess:
    (platform,) = await tenants.platforms_by_keys(connection, [key])
    if platform is None:
        raise NotFound(f"There is no platform {key}.")
    return Policy().platform_for_operator(platform)


def _json(option: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return strict_json.loads(text.encode())
    except strict_json.InvalidJson as error:
        running.fail(f"{option}: {error}")


def _broken(documents: int) -> str:
    return f"; {documents} document{'s' * (documents != 1)} break it" if documents else ""
