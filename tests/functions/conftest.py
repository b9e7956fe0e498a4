"""The API's functions as Lambda calls them, on ports that live in memory."""

from types import SimpleNamespace

import pytest

from tests.fakes.clock import VirtualClock
from tests.functions.system_under_test import NOW, ORIGIN, SystemUnderTest
from videojobs import bootstrap
from videojobs.domain.policy import StepPolicy
from videojobs.observability import logger
from videojobs.ports.callbacks import CALLBACK_PROVIDERS


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
    made = SystemUnderTest(VirtualClock(NOW), settings)
    factories = {
        "api_settings": lambda: settings,
        "allowed_providers": lambda: ("sketch", "fal"),
        "jwt_secret": made.secret,
        "step_policy": StepPolicy,
        "clock": lambda: made.clock,
        "job_repository": lambda: made.jobs,
        "batch_repository": lambda: made.batches,
        "slot_repository": lambda: made.slots,
        "rate_limiter": lambda: made.rates,
        "timing_repository": lambda: made.timings,
        "submission_repository": lambda: made.submissions,
        "erasure_repository": lambda: made.erasures,
        "job_queue": lambda: made.queue,
        "notifier": lambda: made.notifier,
        "ticket_repository": lambda: made.tickets,
        "callback_verifier": lambda name: made.verifier if name in CALLBACK_PROVIDERS else None,
        "video_store": lambda: made.store,
    }
    for name, factory in factories.items():
        monkeypatch.setattr(bootstrap, name, factory)
    monkeypatch.setattr(logger.registered_handler, "stream", made.log)
    return made
