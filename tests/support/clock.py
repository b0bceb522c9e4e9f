"""Moving the clock of a service, and timestamps before and after its current time."""

from collections.abc import Iterator
from contextlib import contextmanager

from gql_service import instants
from tests.support.service import Service

HOUR = 3600 * 1000


@contextmanager
def shifted(service: Service, milliseconds: int) -> Iterator[None]:
    """Move the service's clock forward within the block."""
    service.clock_offset += milliseconds
    try:
        yield
    finally:
        service.clock_offset -= milliseconds


def instant(service: Service, milliseconds: int = 0) -> str:
    """A timestamp after the service's current time."""
    return instants.rfc3339(service.services.clock() + milliseconds)
