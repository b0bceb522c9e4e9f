"""The commands `definition set`, `definition list`, `definition remove` and `platform mode`."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import orjson
import typer

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, count_of, exit_with_error, print_result, table_of, timestamp
from gql_service.cli.parameters import MetadataKey, PlatformKey
from gql_service.cli.tenants import platform_app, platform_json
from gql_service.domain import tenants
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.assignment import DEFAULTS
from gql_service.domain.definitions.conformance import ConformanceReport
from gql_service.domain.definitions.define import (
    check_input,
    define,
    remove_definition,
    set_mode,
    try_definition,
)
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.tenants import MetadataMode
from gql_service.domain.values.types import ValueType
from gql_service.errors import NotFound
from gql_service.services.context import Services
from gql_service.store.connection import Connection

definition_app = typer.Typer(no_args_is_help=True, help="Manage the definitions (rules) of metadata keys.")
_TYPES = [type.value for type in ValueType]
_RULES = ("minimum", "maximum", "minLength", "maxLength", "pattern", "choices", "schema", "indexedPaths")
_DEFAULTS = {
    "isEncrypted": "is_encrypted",
    "isIndexed": "is_indexed",
    "isPublic": "is_public",
    "isEditable": "is_editable",
    "category": "category",
    "description": "description",
}
_ASSIGNMENT = ("enabled", "salt", "userWideFallback", "clientVisible")
_PRESENTATION = ("title", "section", "position")


def _text(help: str, metavar: str = "TEXT") -> Any:
    return typer.Option(metavar=metavar, help=help)


def _number(help: str) -> Any:
    return typer.Option(metavar="NUMBER", help=help)


def _flag(help: str) -> Any:
    return typer.Option(help=help)


_Defined = tuple[StoredDefinition, ConformanceReport]
_Definer = Callable[..., Awaitable[_Defined]]
Text = str | None
Number = int | None
Flag = bool | None
_DRY_RUN = typer.Option("--dry-run", help="Only check the definition and the documents.")
_FORCE = typer.Option("--force", help="Apply it even if stored documents break it; they stay unchanged.")


@definition_app.command("set")
def definition_set(
    platform: PlatformKey,
    key: MetadataKey,
    type: Annotated[ValueType, typer.Option(metavar="TYPE", help=f"One of {', '.join(_TYPES)}.")],
    minimum: Annotated[Text, _text("The least number, or the first date.", "VALUE")] = None,
    maximum: Annotated[Text, _text("The greatest number, or the last date.", "VALUE")] = None,
    min_length: Annotated[Number, _number("The least length: characters, or bytes if binary.")] = None,
    max_length: Annotated[Number, _number("The greatest length: characters, or bytes if binary.")] = None,
    pattern: Annotated[Text, _text("A regular expression that must match in the text.")] = None,
    choices: Annotated[Text, _text("The allowed values, as a JSON list.", "JSON")] = None,
    schema: Annotated[Text, _text("A JSON Schema (draft 2020-12) for the values.", "JSON")] = None,
    indexed_paths: Annotated[
        Text, _text("Paths of parts to search by, as a JSON list of JSON Pointers.", "JSON")
    ] = None,
    encrypted: Annotated[Flag, _flag("Whether new values are encrypted by default.")] = None,
    indexed: Annotated[Flag, _flag("Whether new values can be searched by default.")] = None,
    public: Annotated[Flag, _flag("Whether users see new entries by default.")] = None,
    editable: Annotated[Flag, _flag("Whether users may change new entries by default.")] = None,
    category: Annotated[Text, _text("The default category of new entries.")] = None,
    description: Annotated[Text, _text("The default description of new entries.")] = None,
    default: Annotated[Text, _text("The value of users who have none of their own.", "JSON")] = None,
    enabled: Annotated[Flag, _flag("Disabled: everybody gets the default.")] = None,
    variants: Annotated[
        Text, _text("A list of objects with name, value and weight (in 1/100,000).", "JSON")
    ] = None,
    salt: Annotated[Text, _text("Another salt shuffles the users of all variants.")] = None,
    user_wide_fallback: Annotated[Flag, _flag("Whether user-wide values count as well.")] = None,
    client_visible: Annotated[Flag, _flag("Whether others than admins may evaluate the key.")] = None,
    title: Annotated[Text, _text("What a settings page calls the key.")] = None,
    section: Annotated[Text, _text("The section of a settings page.")] = None,
    position: Annotated[Number, _number("The position in the section.")] = None,
    force: Annotated[bool, _FORCE] = False,
    dry_run: Annotated[bool, _DRY_RUN] = False,
    as_json: AsJson = False,
) -> None:
    """Create or replace the definition of a metadata key.

    If the type or the rules change, all documents of the platform are checked, without a time limit.
    """
    is_number = type is ValueType.number
    arguments = {
        "key": key,
        "value_type": type.value,
        "minimum": _json("--minimum", minimum) if is_number else minimum,
        "maximum": _json("--maximum", maximum) if is_number else maximum,
        "min_length": min_length,
        "max_length": max_length,
        "pattern": pattern,
        "choices": _json("--choices", choices),
        "schema": _json("--schema", schema),
        "indexed_paths": _json("--indexed-paths", indexed_paths),
        "is_encrypted": encrypted,
        "is_indexed": indexed,
        "is_public": public,
        "is_editable": editable,
        "category": category,
        "description": description,
        "default": _json("--default", default),
        "enabled": enabled,
        "variants": _variants(variants),
        "salt": salt,
        "user_wide_fallback": user_wide_fallback,
        "client_visible": client_visible,
        "title": title,
        "section": section,
        "position": position,
    }

    async def check(services: Services, connection: Connection, now: int, work: _Definer) -> _Defined:
        access = await platform_access(connection, platform)
        settings = services.write_settings
        definition = check_input(arguments, settings.limits)
        return await work(
            connection, access, definition, force=force, keys=settings.keys, now=now, seconds=None
        )

    async def try_it(services: Services) -> _Defined:
        async with services.database.read() as connection:
            return await check(services, connection, services.clock(), try_definition)

    if dry_run:
        row, report = runner.run_on_migrated(try_it)
    else:
        row, report = runner.write_without_timeout(partial(check, work=define))
    document = {
        "definition": definition_json(row),
        "brokenDocuments": report.broken,
        "checkedDocuments": report.checked,
        "examples": [each._asdict() for each in report.examples],
        "dryRun": dry_run,
    }
    done = f"The key {key} {'can be' if dry_run else 'is'} defined on {platform}"
    print_result(f"{done}{_and_broken(report.broken)}.", document, as_json=as_json)


@definition_app.command("list")
def definition_list(platform: PlatformKey, as_json: AsJson = False) -> None:
    """List the definitions of a platform, ordered by key."""

    async def read(services: Services) -> list[StoredDefinition]:
        async with services.database.read() as connection:
            access = await platform_access(connection, platform)
            (rows,) = await definitions.stored_of_platforms(connection, [access.platform_id])
            return rows

    rows = runner.run_on_migrated(read)
    headings = {
        "key": "key",
        "valueType": "type",
        "rules": "rules",
        "defaults": "defaults of new entries",
        "assignment": "default and variants",
    }
    with table_of(headings, as_json=as_json, to_cells=_definition_cells) as add_row:
        for row in rows:
            add_row(definition_json(row))


@definition_app.command("remove")
def definition_remove(platform: PlatformKey, key: MetadataKey, as_json: AsJson = False) -> None:
    """Remove a definition. Stored values stay."""

    async def remove(_services: Services, transaction: Connection, now: int) -> bool:
        access = await platform_access(transaction, platform)
        return await remove_definition(transaction, access, key, now=now)

    removed = runner.write_without_timeout(remove)
    message = f"The definition of {key} is removed." if removed else f"The key {key} was not defined."
    print_result(message, {"removed": removed}, as_json=as_json)


@platform_app.command("mode")
def platform_mode(
    platform: PlatformKey,
    mode: Annotated[
        MetadataMode,
        typer.Argument(
            metavar="MODE", case_sensitive=False, help="open: any keys. strict: defined keys only."
        ),
    ],
    force: Annotated[bool, _FORCE] = False,
    as_json: AsJson = False,
) -> None:
    """Set which keys the documents of a platform may have.

    All documents of the platform are checked, without a time limit.
    """

    async def change(_services: Services, transaction: Connection, now: int) -> tuple[tenants.Platform, int]:
        access = await platform_access(transaction, platform)
        broken = await set_mode(transaction, access, mode, force=force, now=now, seconds=None)
        (row,) = await tenants.platforms_by_keys(transaction, [platform])
        assert row is not None, "its mode was just set"
        return row, broken

    row, broken = runner.write_without_timeout(change)
    document = {"platform": platform_json(row), "brokenDocuments": broken}
    message = f"The platform {platform} is {mode.value.lower()}{_and_broken(broken)}."
    print_result(message, document, as_json=as_json)


async def platform_access(connection: Connection, key: str) -> PlatformAccess:
    """Access to administer a platform. Raises NotFound."""
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
        exit_with_error(f"{option}: {error}")


def _variants(text: str | None) -> Any:
    variants = _json("--variants", text)
    names = {"name", "value", "weight"}
    if variants is not None and not (
        isinstance(variants, list)
        and all(isinstance(each, dict) and each.keys() == names for each in variants)
    ):
        exit_with_error("--variants must be a list of objects, each with a name, a value and a weight.")
    return variants


def definition_json(row: StoredDefinition) -> Json:
    """A definition as the GraphQL type MetadataDefinition."""
    document: Json = {"key": row.key, "valueType": row.value_type.value}
    document |= {name: row.rules.get(name) for name in _RULES}
    document |= {name: row.defaults.get(stored_name) for name, stored_name in _DEFAULTS.items()}
    assignment = {**DEFAULTS, **orjson.loads(row.stored_assignment)}
    document |= {"default": assignment["default"], "variants": assignment["variants"]}
    for variant in document["variants"]:
        del variant["ranges"]
    document |= {name: assignment[name] for name in _ASSIGNMENT}
    document |= {name: row.presentation.get(name) for name in _PRESENTATION}
    return document | {"createdAt": timestamp(row.created_at), "updatedAt": timestamp(row.updated_at)}


def _definition_cells(definition: Json) -> Json:
    def present(names: Any) -> Json:
        return {name: definition[name] for name in names if definition[name] is not None}

    assignment = {name: definition[name] for name in DEFAULTS if definition[name] != DEFAULTS[name]}
    return definition | {
        "rules": present(_RULES),
        "defaults": present(_DEFAULTS),
        "assignment": assignment,
    }


def _and_broken(documents: int) -> str:
    return f"; {count_of(documents, 'document breaks', 'documents break')} the rules" if documents else ""
