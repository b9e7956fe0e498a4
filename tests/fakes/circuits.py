"""The circuit breakers in memory."""

from threading import Lock

from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import Unavailable


class InMemoryCircuitRepository:
    """See `ports.CircuitRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self, *circuits: Circuit) -> None:
        self._circuits = {circuit.provider: circuit for circuit in circuits}
        self._lock = Lock()
        self.available = True

    def find(self, provider: str) -> Circuit:
        """The stored one, or a fresh one."""
        with self._answering():
            return self._circuits.get(provider, Circuit(provider))

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Compare the version and set, in one."""
        with self._answering():
            stored = self._circuits.get(before.provider, Circuit(before.provider))
            if stored.version != before.version:
                return False
            self._circuits[before.provider] = after
            return True

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
