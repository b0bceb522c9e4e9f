"""Arguments and options that several commands share."""

import re
from typing import Annotated

import typer

from gql_service.cli.output import exit_with_error

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="The unique name of the user.")]
PlatformKey = Annotated[str, typer.Argument(metavar="PLATFORM", help="The key of the platform.")]
MetadataKey = Annotated[str, typer.Argument(metavar="KEY", help="The metadata key.")]
TenantId = Annotated[str, typer.Option("--tenant", metavar="ID", help="The id of the tenant.")]
NewId = Annotated[str | None, typer.Option("--id", metavar="ID", help="The new id; random by default.")]

_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str | None) -> int | None:
    """The seconds of a duration such as `90d`; None stays None. Ends the command if it is malformed."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,8})([smhd])", text)
    if match is None:
        exit_with_error(
            f"{text!r} is not a duration. Write a whole number and one of s, m, h and d, such as 90d."
        )
    number, unit = match.groups()
    return int(number) * _SECONDS_PER_UNIT[unit]
