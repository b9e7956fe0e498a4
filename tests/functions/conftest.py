"""Fixtures for the API's functions, called as Lambda calls them, with in-memory adapters."""

import pytest

from tests.fakes.clock import VirtualClock
from tests.functions.system_under_test import NOW, SystemUnderTest, an_api
from videojobs.observability import logger


@pytest.fixture
def sut(monkeypatch: pytest.MonkeyPatch) -> SystemUnderTest:
    system = SystemUnderTest(VirtualClock(NOW), an_api())
    system.install(monkeypatch)
    monkeypatch.setattr(logger.registered_handler, "stream", system.log)
    return system
