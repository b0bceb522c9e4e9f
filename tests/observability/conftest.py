"""A server with a security log of its own."""

from collections.abc import Iterator

import pytest

from tests.support.security_lines import SecurityLines, serving_with_log
from tests.support.service import Service
from tests.support.world import World


@pytest.fixture(scope="module")
def logging_service(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, SecurityLines]]:
    with serving_with_log(database_url, tmp_path_factory.mktemp("log"), log_level="critical") as running:
        yield running


@pytest.fixture
def world(logging_service: tuple[Service, SecurityLines]) -> World:
    service, _ = logging_service
    service.clock_offset += 120_000  # the bounds of refused writes begin again
    return World(service)


@pytest.fixture
def lines(logging_service: tuple[Service, SecurityLines], world: World) -> SecurityLines:
    """The log, without what came before the test."""
    logging_service[1].new()
    return logging_service[1]
