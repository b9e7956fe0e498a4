"""Fixtures: an adapter, its counterpart, and the proxy between them."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.providers.adapters import counterpart_of
from tests.providers.counterparts.server import Counterpart
from tests.providers.http_wire import Wire
from videojobs.ports.videos import VideoProvider
from videojobs_providers import AI_PROVIDERS

PATIENCE_SECONDS = 10.0
"""Timeout of a call, longer than any call on a busy machine. Calls that are slow on purpose have their own timeout."""
IMPATIENCE_SECONDS = 1.0


@pytest.fixture(params=AI_PROVIDERS)
def adapter(request: pytest.FixtureRequest) -> str:
    """Return the name of each adapter in turn."""
    name: str = request.param
    return name


@pytest.fixture
def counterpart(adapter: str) -> Iterator[Counterpart]:
    """Yield the counterpart of the adapter's provider."""
    server = counterpart_of(adapter)()
    yield server
    server.close()


@pytest.fixture
def wire(counterpart: Counterpart) -> Iterator[Wire]:
    """Yield the proxy between the adapter and the counterpart, which can simulate network faults."""
    proxy = Wire(counterpart)
    yield proxy
    proxy.close()


@pytest.fixture
def provider(counterpart: Counterpart, wire: Wire) -> VideoProvider:
    """Return the adapter, which calls the counterpart through the proxy."""
    return counterpart.provider(wire.url, call_seconds=PATIENCE_SECONDS)


@pytest.fixture
def impatient(counterpart: Counterpart, wire: Wire) -> VideoProvider:
    """Return the same adapter with a timeout of one second."""
    return counterpart.provider(wire.url, call_seconds=IMPATIENCE_SECONDS)


@pytest.fixture
def deployed(counterpart: Counterpart, wire: Wire) -> VideoProvider:
    """Return the same adapter with the timeouts of a deployment."""
    return counterpart.provider(wire.url, call_seconds=None)


@pytest.fixture
def delay_responses(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that delays all later responses by that many seconds, without waiting.

    A read from a socket with a shorter timeout ends at once, as if the timeout had passed. The servers of the tests set
    no timeouts.
    """

    def delay(seconds: float) -> None:
        for name in ("recv", "recv_into"):
            _delay(name, seconds)

    def _delay(name: str, seconds: float) -> None:
        original = getattr(socket.socket, name)

        def read(self: socket.socket, *arguments: Any) -> Any:
            timeout = self.gettimeout()
            if timeout is not None and timeout <= seconds:
                raise TimeoutError("timed out")
            return original(self, *arguments)

        monkeypatch.setattr(socket.socket, name, read)

    return delay
