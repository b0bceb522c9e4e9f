"""`ServiceStatus`: what runs, for platform owners."""

import os
from enum import StrEnum
from importlib.metadata import version as package_version

import strawberry

from gql_service.domain.maintenance import inspection
from gql_service.schema.auth_directive import PLATFORM_OWNER
from gql_service.schema.enums import described_enum
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.limits import Limits
from gql_service.services.context import Services
from gql_service.store.database import Replicas
from gql_service.store.revisions import newest_revision


class DatabaseKind(StrEnum):
    """The databases that the service works on."""

    SQLITE = "SQLITE"
    POSTGRESQL = "POSTGRESQL"


described_enum(
    DatabaseKind,
    "DatabaseKind",
    "The kind of database that holds the data.",
    {
        DatabaseKind.SQLITE: "A file on the machine of the server.",
        DatabaseKind.POSTGRESQL: "A PostgreSQL server.",
    },
)


@strawberry.type(
    directives=PLATFORM_OWNER, description="A read replica of the database, as this process knows it."
)
class ReplicaStatus:
    name: str = strawberry.field(description="The host and the port of the replica.")
    is_used: bool = strawberry.field(
        description="Whether the replica answers searches, histories and lists. If not, the primary does."
    )
    problem: str | None = strawberry.field(
        description="Why the replica is not used, in English. Null if it is used."
    )
    lag_seconds: float | None = strawberry.field(
        description="For how many seconds at most the replica is behind the primary. Null if not known."
    )


@strawberry.type(directives=PLATFORM_OWNER, description="The database that holds the data.")
class DatabaseStatus:
    kind: DatabaseKind = strawberry.field(description="The kind of database.")
    version: str = strawberry.field(description="The version of the PostgreSQL server or the SQLite library.")
    migration: str | None = strawberry.field(
        description="The newest migration that was applied to the database. Null if none was."
    )
    needed_migration: str = strawberry.field(
        description="The migration that this version of the service needs. It differs from `migration` while "
        "another version is being rolled out."
    )
    replicas: list[ReplicaStatus] = strawberry.field(
        description="The read replicas of the settings. Empty if there are none."
    )


@strawberry.type(
    directives=PLATFORM_OWNER, description="The server process that has answered. A server may have several."
)
class WorkerStatus:
    process_id: int = strawberry.field(
        description="The id of the process, as the logs and the system show it."
    )
    parent_process_id: int = strawberry.field(
        description="The id of the process that started it. The workers of one server have the same."
    )
    started_at: DateTime = strawberry.field(description="When the process was started.")
    uptime_seconds: float = strawberry.field(description="For how long the process has run, in seconds.")


@strawberry.type(directives=PLATFORM_OWNER, description="The state of the service, for those who operate it.")
class ServiceStatus:
    version: str = strawberry.field(description="The version of the service.")
    database: DatabaseStatus = strawberry.field(description="The database that holds the data.")
    worker: WorkerStatus = strawberry.field(description="The server process that has answered.")
    limits: Limits = strawberry.field(description="The limits of requests and of stored data.")

    @classmethod
    async def of(cls, services: Services) -> "ServiceStatus":
        settings = services.settings
        async with services.database.read() as connection:
            database = DatabaseStatus(
                kind=DatabaseKind[settings.database_kind.upper()],
                version=await inspection.version(connection, settings.database_kind),
                migration=await inspection.revision(connection),
                needed_migration=newest_revision(),
                replicas=_replicas(services.lists.replicas),
            )
        worker = WorkerStatus(
            process_id=os.getpid(),
            parent_process_id=os.getppid(),
            started_at=DateTime(services.started_at),
            uptime_seconds=max(services.clock() - services.started_at, 0) / 1000,
        )
        limits = Limits.of(settings)
        return cls(version=package_version("gql-service"), database=database, worker=worker, limits=limits)


def _replicas(replicas: Replicas | None) -> list[ReplicaStatus]:
    return [
        ReplicaStatus(name=each.name, is_used=each.has(None), problem=each.problem, lag_seconds=each.lag)
        for each in (replicas.each if replicas else ())
    ]
