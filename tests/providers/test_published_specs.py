"""What the adapters ask and what their counterparts answer is as the providers have published it.

Prism stands between the two and refuses a call with 422, or an answer with 500, that the provider's OpenAPI description
does not allow. So a counterpart cannot drift into what suits its adapter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tests.providers.adapters import counterpart_of
from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.server import Counterpart, Fate
from tests.providers.life import TOKEN, error_of, fetched, polled_until_done, submitted
from tests.providers.node import NPM, NodeServer, install, running
from tests.providers.specs import SPECS, cut
from tests.servers import free_port
from videojobs.domain.errors import FailureCode
from videojobs.ports.videos import VideoProvider

_PRISM = NPM / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"


@dataclass(frozen=True)
class Guarded:
    """An adapter and its counterpart with Prism in between."""

    provider: VideoProvider
    counterpart: Counterpart
    prism: NodeServer

    def assert_nothing_was_violated(self) -> None:
        """Prism found no fault so far."""
        said = [line for line in self.prism.lines if "iolation" in line or "error" in line]
        assert not said, "".join(said)


@pytest.fixture(params=SPECS, scope="module")
def between(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Each provider that has published a description, started once."""
    spec = cut(SPECS[request.param], tmp_path_factory.mktemp("spec"))
    install()
    counterpart = counterpart_of(request.param)()
    command = (_PRISM, "proxy", spec, counterpart.url, "--errors", "-h", "127.0.0.1", "-p", str(free_port()))
    try:
        with running(*command) as prism:
            provider = counterpart.provider(prism.url, call_seconds=PATIENCE_SECONDS)
            yield Guarded(provider, counterpart, prism)
    finally:
        counterpart.close()


@pytest.fixture
def guarded(between: Guarded) -> Guarded:
    """The same, as if nothing had happened yet."""
    between.counterpart.tasks.clear()
    between.counterpart.fate = Fate.MAKES
    between.prism.lines.clear()
    return between


def test_a_video_is_made_and_fetched_as_published(guarded: Guarded, tmp_path: Path) -> None:
    ref, _ = submitted(guarded.provider, guarded.counterpart)
    assert polled_until_done(guarded.provider, ref)
    guarded.assert_nothing_was_violated()
    assert fetched(guarded.provider, ref, tmp_path) == guarded.counterpart.video
    guarded.assert_nothing_was_violated()


def test_each_clip_is_asked_for_as_published(guarded: Guarded) -> None:
    clips = guarded.provider.capabilities.clips
    assert clips
    for clip in clips:
        request = replace(guarded.counterpart.request, clip=clip)
        assert guarded.provider.submit(request, token=TOKEN).ref
    guarded.assert_nothing_was_violated()


def test_a_refusal_is_told_as_published(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.REFUSES
    for refusal in guarded.counterpart.refusals:
        guarded.counterpart.refusal = refusal
        assert error_of(guarded.provider, guarded.counterpart).reason is FailureCode.CONTENT_REJECTED
    guarded.assert_nothing_was_violated()


def test_a_failure_is_told_as_published(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.FAILS
    assert error_of(guarded.provider, guarded.counterpart).transient
    guarded.assert_nothing_was_violated()


def test_a_task_is_cancelled_as_published(guarded: Guarded) -> None:
    ref, task = submitted(guarded.provider, guarded.counterpart)
    assert guarded.provider.cancel(ref) == task.cancelled == guarded.provider.capabilities.can_cancel
    guarded.assert_nothing_was_violated()


def test_what_is_not_published_does_not_get_through(guarded: Guarded) -> None:
    guarded.counterpart.fate = Fate.STRANGE
    submitted(guarded.provider, guarded.counterpart)
    answer = httpx.post(f"{guarded.prism.url}/v1/nothing/of/the/kind", json={}, timeout=PATIENCE_SECONDS)
    assert answer.status_code in {404, 405}
    with pytest.raises(AssertionError):
        guarded.assert_nothing_was_violated()
