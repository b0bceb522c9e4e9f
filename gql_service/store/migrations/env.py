"""Alembic's entry point: it runs on the connection, and in the transaction, that `upgrade` hands it."""

from alembic import context

from gql_service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
