"""Alembic's entry point: it runs on the connection, and in the transaction, that `upgrade` hands it."""

from alembic import context

from gql_service.store.tables import add_postgres_conditions, metadata

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    add_postgres_conditions()
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
