"""The commands `platform retention` (what is kept for how long) and `sizes` (what is stored)."""

from typing import Annotated

import typer

from gql_service.cli import runner
from gql_service.cli.definitions import platform_access
from gql_service.cli.output import AsJson, Json, print_json, print_result, table_of
from gql_service.cli.parameters import PlatformKey
from gql_service.cli.tenants import platform_app
from gql_service.domain import tenants
from gql_service.domain.maintenance import sizes as stored_sizes
from gql_service.domain.maintenance.sizes import KINDS, PlatformSizes, Size
from gql_service.domain.retention import Retention
from gql_service.services.context import Services
from gql_service.store.connection import Connection

_NAMES = {"search_index": "searchIndex"}


@platform_app.command("retention")
def platform_retention(
    platform: PlatformKey,
    history_max_age: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Days that changes stay in the history.")
    ] = None,
    history_max_changes: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Changes that the history of a document keeps.")
    ] = None,
    idempotency_max_age: Annotated[
        int | None, typer.Option(metavar="HOURS", help="Hours in which a repeated write is done once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set how long a platform keeps history and answers.

    Numbers that are left out are those of the settings, which are also the
    maximum. Older data is deleted for good by the next sweep.
    """
    own = Retention(history_max_age, history_max_changes, idempotency_max_age)

    async def change(services: Services, transaction: Connection, _now: int) -> Retention:
        most = services.write_settings.retention
        access = await platform_access(transaction, platform)
        await tenants.set_retention(transaction, access, own, most)
        return most.shortened(own)

    kept = runner.write_without_timeout(change)
    names = ("historyMaxAge", "historyMaxChanges", "idempotencyMaxAge")
    document: Json = {"platform": platform} | dict(zip(names, kept, strict=True))
    days = "all" if kept.history_max_age is None else f"{kept.history_max_age} days"
    changes = "all" if kept.history_max_changes is None else f"{kept.history_max_changes} changes"
    message = (
        f"{platform} keeps {days} of history, {changes} of a document, "
        f"and answers to writes for {kept.idempotency_max_age} hours."
    )
    print_result(message, document, as_json=as_json)


def sizes(as_json: AsJson = False) -> None:
    """Show how much each platform stores.

    For each platform: rows and bytes of its documents, their history, the
    answers to repeated writes, and the search index. The first row, without
    a platform, is for user-wide documents. This reads the whole database.
    """

    async def read(services: Services) -> tuple[list[PlatformSizes], int]:
        async with services.database.read() as connection:
            return await stored_sizes.platform_sizes(connection), await stored_sizes.total_size(connection)

    rows, total = runner.run_on_migrated(read)
    if as_json:
        print_json({"platforms": [_sizes_json(row) for row in rows], "databaseBytes": total})
        return
    headings = {"platform": "platform"}
    for kind in (_NAMES.get(kind, kind) for kind in KINDS):
        headings |= {f"{kind} rows": f"{kind} rows", f"{kind} bytes": f"{kind} bytes"}
    with table_of(headings, as_json=False) as add_row:
        for row in rows:
            add_row(_cells(row))
    typer.echo(f"The whole database has {total} bytes.", err=True)


def _by_kind(row: PlatformSizes) -> dict[str, Size]:
    return {_NAMES.get(kind, kind): getattr(row, kind) for kind in KINDS}


def _sizes_json(row: PlatformSizes) -> Json:
    of_kinds = {kind: {"rows": size.rows, "bytes": size.bytes} for kind, size in _by_kind(row).items()}
    return {"platform": row.platform_key} | of_kinds


def _cells(row: PlatformSizes) -> Json:
    cells: Json = {"platform": row.platform_key}
    for kind, size in _by_kind(row).items():
        cells |= {f"{kind} rows": size.rows, f"{kind} bytes": size.bytes}
    return cells
