"""Moving the clock of a service, and what lies in the past and the future of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from gql_service import instants
from tests.support.service import Service

HOUR = 3600 * 1000


@contextmanager
def shifted(service: Service, milliseconds: int) -> Iterator[None]:
    """The service's clock is so much ahead of what it was."""
    service.clock_offset += milliseconds
    try:
        yield
    finally:
        service.clock_offset -= milliseconds


def instant(service: Service, milliseconds: int = 0) -> str:
    """So much after the service's now, as text."""
    return instants.rfc3339(service.services.clock() + milliseconds)
