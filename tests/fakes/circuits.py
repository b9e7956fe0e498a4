"""An in-memory repository of circuits."""

from threading import Lock

from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import Unavailable


class InMemoryCircuitRepository:
    """See `ports.CircuitRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self, *circuits: Circuit) -> None:
        self._circuits = {circuit.provider: circuit for circuit in circuits}
        self._lock = Lock()
        self.available = True

    def find(self, provider: str) -> Circuit:
        """Return the stored circuit, or a new one."""
        with self._available_lock():
            return self._circuits.get(provider, Circuit(provider))

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Compare the version and store the circuit, atomically."""
        with self._available_lock():
            stored = self._circuits.get(before.provider, Circuit(before.provider))
            if stored.version != before.version:
                return False
            self._circuits[before.provider] = after
            return True

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
