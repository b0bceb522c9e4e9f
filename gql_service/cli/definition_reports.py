"""The commands `definition history`, `definition preview` and `definition adoption`."""

from typing import Annotated

import typer

from gql_service.cli import runner
from gql_service.cli.definitions import definition_app, definition_json, platform_access
from gql_service.cli.output import AsJson, Json, exit_with_error, print_result, table_of, timestamp
from gql_service.cli.parameters import MetadataKey, PlatformKey
from gql_service.domain.definitions import definitions, history
from gql_service.domain.flags.adoption import Adoption, adoption
from gql_service.domain.flags.rollout import RolloutPreview, preview_rollout
from gql_service.domain.pagination import MAX_PAGE, PageRequest
from gql_service.errors import BadUserInput
from gql_service.services.context import Services

_OnlyKey = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Only changes of this key.")]
_Weights = Annotated[
    list[str],
    typer.Option("--weight", metavar="TEXT", help="VARIANT=WEIGHT, in 1/100,000 of the users. Repeatable."),
]


@definition_app.command("history")
def definition_history(platform: PlatformKey, key: _OnlyKey = None, as_json: AsJson = False) -> None:
    """List every change of the definitions of a platform, newest first."""

    async def read(services: Services) -> list[Json]:
        rows: list[Json] = []
        async with services.database.read() as connection:
            access = await platform_access(connection, platform)
            request: PageRequest | None = PageRequest(MAX_PAGE, False, None, None)
            while request is not None:
                (page,) = await history.pages(connection, [((access.platform_id, key), request)])
                rows += map(_change_json, page.items)
                is_last = not page.has_next
                request = None if is_last else request._replace(after=str(page.items[-1].number))
        return rows

    headings = {"changedAt": "changed", "key": "key", "actorId": "by", "definition": "definition"}
    rows = runner.run_on_migrated(read)
    with table_of(headings, as_json=as_json) as add_row:
        for row in rows:
            add_row(row)


@definition_app.command("preview")
def definition_preview(
    platform: PlatformKey, key: MetadataKey, weights: _Weights, as_json: AsJson = False
) -> None:
    """Count the members that other weights of variants would move. Nothing is changed."""

    async def read(services: Services) -> RolloutPreview:
        async with services.database.read() as connection:
            access = await platform_access(connection, platform)
            found = await preview_rollout(
                connection,
                access,
                key,
                _parse(weights),
                None,
                keys=services.write_settings.keys,
                now=services.clock(),
                seconds=None,
            )
        if found is None:
            raise BadUserInput(f"The key {key} is not defined.")
        return found

    preview = runner.run_on_migrated(read)
    counts = [
        {"name": each.name, "weight": each.weight, "members": each.members, "membersNow": each.members_now}
        for each in preview.variants
    ]
    document = {
        "members": preview.members,
        "overrides": preview.overrides,
        "moved": preview.moved,
        "variants": counts,
    }
    message = (
        f"Of {preview.members} members, {preview.moved} would move; {preview.overrides} have a value of "
        "their own."
    )
    print_result(message, document, as_json=as_json)


@definition_app.command("adoption")
def definition_adoption(platform: PlatformKey, as_json: AsJson = False) -> None:
    """Count the documents that have a valid entry of each defined key."""

    async def read(services: Services) -> Adoption:
        async with services.database.read() as connection:
            access = await platform_access(connection, platform)
            (rows,) = await definitions.stored_of_platforms(connection, [access.platform_id])
            keys = [row.key for row in rows]
            return await adoption(connection, access, keys, now=services.clock(), seconds=None)

    found = runner.run_on_migrated(read)
    with table_of({"key": "key", "documents": "documents"}, as_json=as_json) as add_row:
        for key, count in sorted(found.by_key.items()):
            add_row({"key": key, "documents": count})


def _parse(weights: list[str]) -> dict[str, int]:
    """The weights by the names of variants."""
    parsed: dict[str, int] = {}
    for each in weights:
        name, _, weight = each.rpartition("=")
        if not name or not weight.isascii() or not weight.isdigit():
            exit_with_error(f"{each}: write a weight as VARIANT=WEIGHT, such as on=1000.")
        parsed[name] = int(weight)
    return parsed


def _change_json(change: history.DefinitionChange) -> Json:
    definition = change.definition
    return {
        "key": change.key,
        "changedAt": timestamp(change.changed_at),
        "actorId": change.actor_id,
        "definition": None if definition is None else definition_json(definition),
    }
