"""Requests of the adapters and responses of their counterparts match the OpenAPI descriptions of the providers.

Prism is a proxy between the two. It rejects requests with 422, and replaces responses with 500, that the description
does not allow. So a counterpart can't deviate from the description to suit its adapter.
"""

import re
from collections.abc import Iterator
from copy import replace
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.node import NPM, install, running
from tests.providers.adapters import counterpart_of
from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.server import Counterpart, Exchange, Fate, Reply
from tests.providers.gateway import Gateway
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done, submitted
from tests.providers.specs import SPECS, cut
from tests.servers import free_port
from videojobs.domain.errors import FailureCode, ProviderUnreachable
from videojobs.ports.videos import VideoProvider

_PRISM = NPM / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"


class PrismGateway(Gateway):
    """Gateway to Prism that stores the violations that Prism reports."""

    def __init__(self, there: str, counterpart: Counterpart) -> None:
        """Start the gateway without complaints."""
        self.complaints: list[str] = []
        super().__init__(there, counterpart)

    def translate(self, exchange: Exchange) -> Reply:
        """Forward the call and return the response; a video's bytes are restored, because Prism reads them as text."""
        reply = super().translate(exchange)
        if reply.status == 200 and self._counterpart.kind(exchange.method, exchange.path) == "fetch":
            return Reply(200, self._counterpart.video, reply.headers)
        if b"stoplight.io/prism/errors" in reply.content:
            self.complaints.append(f"{exchange.method} {exchange.path}: {reply.content.decode()}")
        return reply


@dataclass(frozen=True)
class Guarded:
    """Adapter and counterpart with Prism between them."""

    provider: VideoProvider
    counterpart: Counterpart
    gateway: PrismGateway

    def assert_nothing_was_violated(self) -> None:
        """Raise `AssertionError` if Prism has reported a violation."""
        assert not self.gateway.complaints, "\n".join(self.gateway.complaints)


@pytest.fixture(params=SPECS, scope="module")
def between(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield each provider with a published description; it is started once for all tests."""
    spec = cut(SPECS[request.param], tmp_path_factory.mktemp("spec"))
    install()
    counterpart = counterpart_of(request.param)()
    command = (_PRISM, "proxy", spec, counterpart.url, "--errors", "-h", "127.0.0.1", "-p", str(free_port()))
    try:
        with running(*command) as prism:
            gateway = PrismGateway(prism.url, counterpart)
            yield Guarded(counterpart.provider(gateway.url, call_seconds=PATIENCE_SECONDS), counterpart, gateway)
            gateway.close()
    finally:
        counterpart.close()


@pytest.fixture
def guarded(between: Guarded) -> Guarded:
    """Return the same provider, without the tasks and complaints of earlier tests."""
    between.counterpart.tasks.clear()
    between.counterpart.fate = Fate.MAKES
    between.gateway.complaints.clear()
    return between


def test_creation_and_download_match_the_published_spec(guarded: Guarded, tmp_path: Path) -> None:
    ref, _ = submitted(guarded.provider, guarded.counterpart)
    assert polled_until_done(guarded.provider, ref)
    guarded.assert_nothing_was_violated()
    video = fetched(guarded.provider, ref, tmp_path)
    if guarded.counterpart.kind("GET", f"/v1/videos/{ref}/content") == "fetch":  # Prism reads the response as text
        assert guarded.counterpart.tasks[ref].fetched == 1
    else:
        assert video == guarded.counterpart.video
    guarded.assert_nothing_was_violated()


def test_request_for_each_clip_matches_the_published_spec(guarded: Guarded) -> None:
    clips = guarded.provider.capabilities.clips
    assert clips
    for clip in clips:
        request = replace(guarded.counterpart.request, clip=clip)
        assert guarded.provider.submit(request, token=TOKEN).ref
    guarded.assert_nothing_was_violated()


def test_rejection_matches_the_published_spec(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.REFUSES
    for refusal in guarded.counterpart.refusals:
        guarded.counterpart.refusal = refusal
        assert error_of(guarded.provider, guarded.counterpart).reason is FailureCode.CONTENT_REJECTED
    guarded.assert_nothing_was_violated()


def test_failure_matches_the_published_spec(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.FAILS
    assert error_of(guarded.provider, guarded.counterpart).transient
    guarded.assert_nothing_was_violated()


def test_cancel_matches_the_published_spec(guarded: Guarded) -> None:
    ref, task = submitted(guarded.provider, guarded.counterpart)
    assert guarded.provider.cancel(ref) == task.cancelled == guarded.provider.capabilities.can_cancel
    guarded.assert_nothing_was_violated()


def test_response_outside_the_published_spec_is_blocked(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.STRANGE
    ref, _ = submitted(guarded.provider, guarded.counterpart)
    guarded.assert_nothing_was_violated()
    with pytest.raises(ProviderUnreachable):
        guarded.provider.poll(ref)
    with pytest.raises(AssertionError):
        guarded.assert_nothing_was_violated()


def test_request_outside_the_published_spec_is_blocked(guarded: Guarded) -> None:
    spec = SPECS[guarded.counterpart.name]
    path = re.sub(r"{\w+}", "some", spec.prefix + spec.paths[0])
    headers = {"Authorization": "Bearer a-key", "X-Runway-Version": "2024-11-06"}
    response = httpx.post(guarded.gateway.url + path, json={"of": "no use"}, headers=headers, timeout=PATIENCE_SECONDS)
    assert response.status_code == 422
    assert not guarded.counterpart.tasks
    with pytest.raises(AssertionError):
        guarded.assert_nothing_was_violated()
