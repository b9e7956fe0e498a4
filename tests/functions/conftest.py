"""Fixtures for the API's functions, called as Lambda calls them, with in-memory adapters."""

from types import SimpleNamespace

import pytest

from tests.fakes.clock import VirtualClock
from tests.functions.system_under_test import NOW, ORIGIN, SystemUnderTest
from videojobs import bootstrap
from videojobs.domain.policy import StepPolicy
from videojobs.observability import logger
from videojobs.ports.callbacks import CALLBACK_PROVIDERS
from videojobs_providers import factories


@pytest.fixture
def sut(monkeypatch: pytest.MonkeyPatch) -> SystemUnderTest:
    settings = SimpleNamespace(
        cookie_name="token",
        allowed_origins=(ORIGIN, "https://other.example.com"),
        jwt_leeway_seconds=0,
        jwt_issuer="",
        jwt_audience=(),
        accept_short_jwt_secret=False,
        user_claim="userId",
        priority_claim="priority",
        generate_calls_per_minute=1000,
        read_calls_per_minute=1000,
    )
    system = SystemUnderTest(VirtualClock(NOW), settings)
    replaced = {
        "api_settings": lambda: settings,
        "allowed_providers": lambda: ("sketch", "fal"),
        "jwt_secret": system.secret,
        "step_policy": StepPolicy,
        "clock": lambda: system.clock,
        "job_repository": lambda: system.jobs,
        "batch_repository": lambda: system.batches,
        "slot_repository": lambda: system.slots,
        "rate_limiter": lambda: system.rates,
        "timing_repository": lambda: system.timings,
        "submission_repository": lambda: system.submissions,
        "erasure_repository": lambda: system.erasures,
        "job_queue": lambda: system.queue,
        "notifier": lambda: system.notifier,
        "ticket_repository": lambda: system.tickets,
        "video_store": lambda: system.store,
    }
    for name, factory in replaced.items():
        monkeypatch.setattr(bootstrap, name, factory)
    verifiers = lambda name: system.verifier if name in CALLBACK_PROVIDERS else None  # noqa: E731
    monkeypatch.setattr(factories, "callback_verifier", verifiers)
    monkeypatch.setattr(logger.registered_handler, "stream", system.log)
    return system
