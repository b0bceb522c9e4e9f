"""`python -m gql_service` is the command line."""

from gql_service.cli import app

app(prog_name="gql-service")
