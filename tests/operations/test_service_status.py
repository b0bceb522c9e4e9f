"""`serviceStatus` tells platform owners which version runs, where, and on which database."""

import os
import sqlite3
from importlib.metadata import version

from tests.operations.test_doctor import set_revision
from tests.support.service import serving
from tests.support.world import World

STATUS = """{ serviceStatus { version
  database { kind version migration neededMigration }
  worker { processId parentProcessId startedAt uptimeSeconds }
  limits { keyLength } } }"""


def test_an_owner_sees_version_database_worker_and_limits(fresh_database_url: str) -> None:
    with (
        serving(fresh_database_url, max_key_length=77) as service,
        service.at(service.services.started_at + 2500),
    ):
        status = World(service).owner.ask(STATUS)["serviceStatus"]
    assert status["version"] == version("gql-service")
    database = status["database"]
    if fresh_database_url.startswith("sqlite"):
        assert (database["kind"], database["version"]) == ("SQLITE", sqlite3.sqlite_version)
    else:
        assert database["kind"] == "POSTGRESQL"
        assert int(database["version"].split(".")[0]) >= 12
    assert database["migration"] == database["neededMigration"]
    assert status["worker"]["processId"] == os.getpid()
    assert status["worker"]["parentProcessId"] == os.getppid()
    assert status["worker"]["uptimeSeconds"] == 2.5
    assert status["limits"] == {"keyLength": 77}


def test_a_newer_migration_is_visible(fresh_database_url: str) -> None:
    """While the next version is rolled out, the database is ahead of this one."""
    with serving(fresh_database_url) as service:
        world = World(service)
        set_revision(fresh_database_url, "9999")
        database = world.owner.ask(STATUS)["serviceStatus"]["database"]
    assert database["migration"] == "9999"
    assert database["neededMigration"] != "9999"


def test_others_do_not_see_it_and_keep_the_rest_of_their_data(world: World) -> None:
    body = world.admin.graphql("{ serviceStatus { version } me { username } }")
    assert body["data"] == {"serviceStatus": None, "me": {"username": world.admin.username}}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
