"""Seed, negative prompt, sound and resolution: passed to a provider that takes them, and listed if it ignores them."""

import pytest

from tests.builders import a_cancelled_job, a_job, a_new_job
from tests.fakes.provider import ScriptedProvider, only
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.plan import Clip
from videojobs.domain.request import MAXIMUM_SEED, Resolution
from videojobs.ports.videos import Generation

EXHAUSTED = ProviderError(FailureCode.QUOTA_EXHAUSTED, "The quota is exhausted.", transient=False)
CLIP = Clip(1280, 720, 8)
LOUD = CLIP._replace(has_sound=True)
FULL_HD = Clip(1920, 1080, 8, resolution=Resolution.P1080)
ALL = {"seed": 7, "negative_prompt": "rain", "sound": True, "resolution": Resolution.P1080}


def a_provider(*clips: Clip, **fields: object) -> ScriptedProvider:
    """Return a provider that makes these clips."""
    return ScriptedProvider(**({"yields_pixels": True, "clips": clips or (CLIP,)} | fields))  # type: ignore[arg-type]


def make(*providers: ScriptedProvider, **request: object) -> VideoJob:
    """Run a job to its end with the providers in this order, and return it."""
    system = InMemorySystem(provider=providers[0], providers=only(*providers))
    job = system.submit(a_new_job(**request))
    system.run()
    return system.jobs.get(job.id)


def test_a_provider_receives_all_that_it_can_honour() -> None:
    loud = FULL_HD._replace(has_sound=True)
    provider = a_provider(CLIP, LOUD, FULL_HD, loud, takes_seed=True, takes_negative_prompt=True)
    job = make(provider, **ALL)
    [request] = provider.requests
    assert (request.seed, request.negative_prompt, request.clip) == (7, "rain", loud)
    assert (job.status, job.seed, job.ignored) == (JobStatus.COMPLETED, 7, ())
    assert job.production is not None
    assert (job.production.plan.width, job.production.plan.height) == (1920, 1080)


def test_a_request_without_options_gets_720p_without_sound() -> None:
    provider = a_provider(FULL_HD, LOUD, CLIP)
    make(provider)
    assert [request.clip for request in provider.requests] == [CLIP]


def test_the_fields_that_the_provider_lacks_are_listed_and_the_video_is_made() -> None:
    job = make(a_provider(FULL_HD), **ALL)
    assert (job.status, job.ignored) == (JobStatus.COMPLETED, ("seed", "negativePrompt", "sound"))


def test_a_provider_without_clips_receives_seed_and_negative_prompt() -> None:
    provider = ScriptedProvider(takes_seed=True, takes_negative_prompt=True, makes_sound=True)
    job = make(provider, **ALL)
    assert [(request.seed, request.negative_prompt) for request in provider.requests] == [(7, "rain")]
    assert job.ignored == ()


def test_a_provider_without_the_resolution_is_not_a_candidate() -> None:
    first, second = a_provider(name="first"), a_provider(FULL_HD, name="second")
    job = make(first, second, resolution=Resolution.P1080)
    assert (job.status, first.tokens, len(second.tokens)) == (JobStatus.COMPLETED, [], 1)


def test_a_job_fails_before_anything_is_spent_if_no_provider_makes_its_resolution() -> None:
    provider = a_provider()
    job = make(provider, resolution=Resolution.P480)
    assert (job.status, provider.tokens) == (JobStatus.FAILED, [])


def test_720p_is_scaled_from_clips_of_another_resolution_if_there_are_no_others() -> None:
    job = make(a_provider(FULL_HD))
    assert job.production is not None
    assert (job.production.plan.clips, job.production.plan.width) == ((FULL_HD,), 1280)


def test_a_seed_is_chosen_for_a_provider_that_takes_one_and_is_used_for_all_clips_and_attempts() -> None:
    stumble = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
    provider = a_provider(takes_seed=True, polls=[Generation(done=True), stumble])
    job = make(provider, duration=20)
    assert job.seed is not None
    assert 0 <= job.seed <= MAXIMUM_SEED
    assert len(provider.requests) == 4
    assert {request.seed for request in provider.requests} == {job.seed}


@pytest.mark.parametrize("provider", [a_provider(), ScriptedProvider(takes_seed=True)])
def test_no_seed_is_chosen_for_another_provider(provider: ScriptedProvider) -> None:
    job = make(provider)
    assert (job.seed, [request.seed for request in provider.requests]) == (None, [None])


def test_two_jobs_get_different_seeds() -> None:
    assert make(a_provider(takes_seed=True)).seed != make(a_provider(takes_seed=True)).seed


def test_a_fallback_provider_changes_the_ignored_fields_and_the_change_is_announced() -> None:
    first = ScriptedProvider(name="first", takes_seed=True, submits=[EXHAUSTED])
    system = InMemorySystem(provider=first, providers=only(first, ScriptedProvider(name="second")))
    waiting = system.deliver(system.put(a_job(seed=7)))
    assert waiting.ignored == ()
    after = system.deliver(system.put(waiting))
    assert after.ignored == ("seed",)
    assert after.version == waiting.version + 1


def test_a_retry_keeps_the_seed_or_chooses_another() -> None:
    for with_new_seed in (False, True):
        system = InMemorySystem()
        job = system.jobs.put(a_job(status=JobStatus.FAILED, next=None, seed=7))
        assert (system.retry(job.id, with_new_seed=with_new_seed).seed == 7) is not with_new_seed


def test_a_retry_before_the_clean_up_can_choose_another_seed() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job(seed=7))
    assert system.retry(job.id, with_new_seed=True).seed != 7
