"""An adapter, its counterpart, and the wire between them."""

from collections.abc import Iterator

import pytest

from tests.providers.adapters import counterpart_of
from tests.providers.counterparts.server import Counterpart
from tests.providers.http_wire import Wire
from videojobs.adapters.providers import AI_PROVIDERS
from videojobs.ports.videos import VideoProvider

PATIENCE_SECONDS = 10.0
"""Nothing in these tests takes that long, however busy the machine is; what is slow on purpose has its own patience."""
IMPATIENCE_SECONDS = 1.0


@pytest.fixture(params=AI_PROVIDERS)
def adapter(request: pytest.FixtureRequest) -> str:
    """Each adapter in turn, by its name."""
    name: str = request.param
    return name


@pytest.fixture
def counterpart(adapter: str) -> Iterator[Counterpart]:
    """Its provider, as far as an adapter can tell."""
    made = counterpart_of(adapter)()
    yield made
    made.close()


@pytest.fixture
def wire(counterpart: Counterpart) -> Iterator[Wire]:
    """The network between them."""
    made = Wire(counterpart)
    yield made
    made.close()


@pytest.fixture
def provider(counterpart: Counterpart, wire: Wire) -> VideoProvider:
    """The adapter, at its end of the wire."""
    return counterpart.provider(wire.url, call_seconds=PATIENCE_SECONDS)


@pytest.fixture
def impatient(counterpart: Counterpart, wire: Wire) -> VideoProvider:
    """The same adapter, which waits for no answer longer than a blink."""
    return counterpart.provider(wire.url, call_seconds=IMPATIENCE_SECONDS)
