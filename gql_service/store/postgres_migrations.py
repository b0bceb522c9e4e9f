"""The connection of migrations to PostgreSQL: opened as every other one, but used through SQLAlchemy."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gql_service.errors import BadUserInput, Unavailable
from gql_service.settings import Settings
from gql_service.store.postgres_errors import reason, translate
from gql_service.store.postgres_pool import Connector

T = TypeVar("T")
_UNNAMED = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
"""Behind a transaction pooler, the server connection may have a statement of the same name already."""


async def in_transaction(settings: Settings, work: Callable[[Connection], T], *, writes: bool) -> T:
    """Run `work` in a transaction. Raises Unavailable if nobody can connect, or a read takes too long."""
    connector = Connector(settings)

    async def connect(**_arguments: Any) -> Any:
        return await connector.connect(statement_cache_size=0)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, poolclass=NullPool, connect_args=_UNNAMED
    )
    try:
        async with asyncio.timeout(
            None if writes else settings.database_timeout
        ):  # a migration may take long
            async with engine.begin() as transaction:
                return await transaction.run_sync(work)
    except BadUserInput:  # about the URL
        raise
    except Exception as error:
        adapted = getattr(error, "orig", None)  # SQLAlchemy wraps the error of the driver twice
        cause: Exception = getattr(adapted, "__cause__", None) or error
        public = translate(cause)
        if public is None:
            raise
        why = reason(cause)
        raise Unavailable(f"{public.message} ({why})" if why else public.message) from error
