"""Three adapters against aimock, an independent counterpart that keeps state and simulates faults."""

import json
from base64 import b64encode
from collections.abc import Iterator
from copy import replace
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.node import NPM, install, running
from tests.providers.adapters import counterpart_of
from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Counterpart
from tests.providers.gateway import RESULT_URL, FalGateway, Gateway, OpenRouterGateway, VeoGateway
from tests.providers.lifecycle import TOKEN, fetched, polled_until_done
from tests.providers.video import make_video
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.ports.videos import GenerationRequest, VideoProvider

_GATEWAYS: dict[str, type[Gateway]] = {
    "fal": FalGateway,
    "openai_compatible": OpenRouterGateway,
    "veo": VeoGateway,
}
_A_GOOD_PROMPT, _A_BAD_PROMPT = "A cat on a surfboard", "A dog that never comes"
_COST = 0.4  # in US dollars; OpenRouter reports it
_CLIENT = httpx.Client(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
_PACE = {"pollsBeforeInProgress": 1, "pollsBeforeCompleted": 3}


@dataclass(frozen=True)
class Aimock:
    """Address of a running aimock, which keeps a journal of its calls."""

    url: str

    def disturb(self, **rates: float) -> None:
        """Replace the rates of the faults, each from 0 (never) to 1 (every call); without rates, no call fails."""
        _CLIENT.delete(f"{self.url}/__aimock/chaos").raise_for_status()
        _CLIENT.post(f"{self.url}/__aimock/chaos", json=rates).raise_for_status()

    def made(self) -> int:
        """Return the number of tasks created since the start of the test."""
        calls = _CLIENT.get(f"{self.url}/__aimock/journal", params={"method": "POST", "status": 200}).json()
        return sum("chaosAction" not in call["response"] for call in calls)


def _fixtures() -> list[dict[str, object]]:
    video = {"status": "completed", "b64": b64encode(make_video()).decode(), "url": RESULT_URL, "cost": _COST}
    failed = {"status": "failed", "error": "the model fell over"}
    return [
        {"match": {"endpoint": "video", "userMessage": _A_GOOD_PROMPT}, "response": {"video": {"id": "1", **video}}},
        {"match": {"endpoint": "fal"}, "response": {"json": {"video": {"url": RESULT_URL}}}},
        {"match": {"endpoint": "video", "userMessage": _A_BAD_PROMPT}, "response": {"video": {"id": "2", **failed}}},
    ]


@pytest.fixture(scope="module")
def _started() -> Iterator[Aimock]:
    install()
    options = {"fixtures": _fixtures(), "falQueue": _PACE, "openRouterVideo": _PACE, "veoVideo": _PACE}
    with running(NPM / "aimock.mjs", json.dumps(options)) as server:
        yield Aimock(server.url)


@pytest.fixture
def aimock(_started: Aimock) -> Aimock:
    """Return aimock with an empty journal and without faults."""
    _CLIENT.post(f"{_started.url}/__aimock/reset/journal").raise_for_status()
    _started.disturb()
    return _started


@pytest.fixture(params=_GATEWAYS)
def counterpart(request: pytest.FixtureRequest) -> Iterator[Counterpart]:
    """Yield the counterpart that creates the adapter; here it responds to sign-ins only."""
    server = counterpart_of(request.param)()
    if isinstance(server, OpenaiCompatibleCounterpart):
        server.variant = "openrouter"
    yield server
    server.close()


@pytest.fixture
def gateway(aimock: Aimock, counterpart: Counterpart) -> Iterator[Gateway]:
    """Yield the gateway from the adapter to aimock."""
    server = _GATEWAYS[counterpart.name](aimock.url, counterpart)
    yield server
    server.close()


@pytest.fixture
def provider(counterpart: Counterpart, gateway: Gateway) -> VideoProvider:
    """Return the adapter under test."""
    return counterpart.provider(gateway.url, call_seconds=PATIENCE_SECONDS)


@pytest.fixture
def request_(counterpart: Counterpart) -> GenerationRequest:
    """Return a request for which aimock creates a video."""
    return replace(counterpart.request, prompt=_A_GOOD_PROMPT)


def test_video_is_created_and_fetched(
    provider: VideoProvider, request_: GenerationRequest, aimock: Aimock, tmp_path: Path
) -> None:
    ref = provider.submit(request_, token=TOKEN).ref
    generations = polled_until_done(provider, ref)
    assert len(generations) >= 3
    assert generations[-1].cost_usd == (Decimal(str(_COST)) if provider.name == "openai_compatible" else None)
    assert fetched(provider, ref, tmp_path) == make_video()
    assert aimock.made() >= 1


@pytest.mark.parametrize("counterpart", ["openai_compatible", "veo"], indirect=True)  # aimock's fal never fails
def test_a_failure_ends_the_task(provider: VideoProvider, request_: GenerationRequest) -> None:
    ref = provider.submit(replace(request_, prompt=_A_BAD_PROMPT), token=TOKEN).ref
    with pytest.raises(ProviderError) as failed:
        polled_until_done(provider, ref)
    assert not isinstance(failed.value, ProviderUnreachable)


@pytest.mark.parametrize("fault", ["dropRate", "malformedRate", "disconnectRate"])
def test_submit_during_chaos_is_ambiguous(
    provider: VideoProvider, request_: GenerationRequest, aimock: Aimock, fault: str
) -> None:
    aimock.disturb(**{fault: 1})
    with pytest.raises(ProviderUnreachable):
        provider.submit(request_, token=TOKEN)
    assert aimock.made() == 0


def test_rate_limited_submit_reports_retry_after(
    provider: VideoProvider, request_: GenerationRequest, aimock: Aimock
) -> None:
    aimock.disturb(rateLimitRate=1)
    with pytest.raises(ProviderError) as limited:
        provider.submit(request_, token=TOKEN)
    assert limited.value.reason is FailureCode.RATE_LIMITED
    assert limited.value.retry_after_seconds


@pytest.mark.parametrize("fault", ["dropRate", "malformedRate", "disconnectRate", "rateLimitRate"])
def test_poll_during_chaos_does_not_fail_the_task(
    provider: VideoProvider, request_: GenerationRequest, aimock: Aimock, fault: str
) -> None:
    ref = provider.submit(request_, token=TOKEN).ref
    aimock.disturb(**{fault: 1})
    with pytest.raises(ProviderUnreachable):
        provider.poll(ref)
    aimock.disturb()
    assert polled_until_done(provider, ref)
