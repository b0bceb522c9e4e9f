"""What the tasks share that go on in the background as long as the process."""

from gql_service.errors import Unavailable
from gql_service.observability import logging


def report_failure(error: Exception) -> None:
    """Log what has failed in a round of such a task, if it is not in the log already. The task goes on."""
    if not isinstance(error, Unavailable):  # the database has logged it
        logging.report_unexpected(error)
