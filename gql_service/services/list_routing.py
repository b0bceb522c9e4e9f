"""Which server answers searches, histories and lists: the primary, or a replica if the settings have one."""

from collections import Counter, deque
from collections.abc import Callable, Iterator

from gql_service.services.loaders import ListLoaders, OnBatch
from gql_service.store.database import Database, ReadSource, Replica, Replicas
from gql_service.store.positions import Position


class ListRouting:
    """Chooses the server. This is the only place that does.

    Everything else is read from the primary: tokens, permissions and documents.
    """

    def __init__(
        self, database: Database, replicas: Replicas | None, make: Callable[[ReadSource], ListLoaders]
    ) -> None:
        self.primary = make(database)
        self.replicas = replicas
        each = replicas.each if replicas else ()
        self._of_replicas: deque[tuple[Replica, ListLoaders]] = deque((one, make(one)) for one in each)
        self.chosen = {"primary": 0, "replica": 0}
        """How many requests each kind of server was chosen for, where there are replicas."""

    def choose(self, read_after: Position | None) -> ListLoaders:
        """The loaders for one request. It sees what was committed up to the position."""
        if self.replicas is None:
            return self.primary
        for _ in range(len(self._of_replicas)):
            replica, loaders = self._of_replicas[0]
            self._of_replicas.rotate()  # the next request begins with the next one
            if replica.has(read_after):
                self.chosen["replica"] += 1
                return loaders
        self.chosen["primary"] += 1
        return self.primary

    def waiting(self) -> Iterator[tuple[str, int]]:
        """See `Loaders.waiting`; the keys that wait for all servers together."""
        counts: Counter[str] = Counter()
        for loaders in (self.primary, *(each for _, each in self._of_replicas)):
            counts.update(dict(loaders.waiting()))
        return iter(counts.items())

    def observe(self, on_batch: OnBatch) -> None:
        """See `Loaders.observe`."""
        for loaders in (self.primary, *(each for _, each in self._of_replicas)):
            loaders.observe(on_batch)
