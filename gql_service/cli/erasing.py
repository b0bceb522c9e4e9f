"""The commands that delete: what has expired, and everything about a user."""

import typer

from gql_service.cli import running
from gql_service.domain import sweeping


def sweep() -> None:
    """Delete what has expired, as servers do every so often: entries, and answers kept for a day."""
    swept = running.on_migrated(lambda services: sweeping.sweep(services.database, services.clock))
    typer.echo(f"Deleted {swept.entries} expired entries and {swept.answers} answers to writes.")
