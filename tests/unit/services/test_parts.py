"""A video in parts: planned before anything is spent, made one after another, fetched at once, joined at the end."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.builders import a_job, a_new_job, a_started_job
from tests.fakes.provider import DONE, ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.prompt import STYLE_WORDS, Counting, PromptLimit
from videojobs.domain.request import AspectRatio, Style
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import Generation, UnknownSubmit

CLIP = Clip(1280, 720, 8, Decimal("0.80"))
AS_OF = date(2026, 11, 1)
STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
GONE = ProviderError(FailureCode.RESULT_LOST, "It is gone.", transient=True)


def a_provider(**changes: object) -> ScriptedProvider:
    """One that makes clips of eight seconds."""
    made = {"name": "clips", "yields_pixels": True, "clips": (CLIP,), "prices_as_of": AS_OF}
    return ScriptedProvider(**(made | changes))  # type: ignore[arg-type]


def make(provider: ScriptedProvider, **request: object) -> tuple[InMemorySystem, VideoJob]:
    """Run a job to its end."""
    system = InMemorySystem(provider=provider)
    job = system.submit(a_new_job(**request))
    system.run()
    return system, system.jobs.get(job.id)


def production_of(job: VideoJob) -> Production:
    """The plan that it must have."""
    assert job.production is not None
    return job.production


class TestOnePart:
    def test_one_clip_is_fetched_assembled_and_told_of(self) -> None:
        provider = a_provider()
        system, job = make(provider)
        assert (job.status, provider.tokens, provider.fetched) == (
            JobStatus.COMPLETED,
            [f"{job.id}:1:1"],
            [f"task-of-{job.id}:1:1"],
        )
        assert job.output is not None
        assert job.output.segments == 1
        assert system.store.objects[job.output.video.key] == f"video of task-of-{job.id}:1:1".encode()

    def test_the_provider_is_told_prompt_style_and_clip(self) -> None:
        provider = a_provider()
        make(provider, prompt="A paper boat", style=Style.CALM)
        [request] = provider.requests
        assert (request.prompt, request.clip) == (f"A paper boat\n\n{STYLE_WORDS[Style.CALM]}", CLIP)
        assert request.callback_url is None

    def test_the_estimate_stands_from_the_start_on(self) -> None:
        system = InMemorySystem(provider=a_provider(polls=[Generation(done=False)]))
        message = system.put(a_job())
        production = production_of(system.deliver(message))
        assert (production.plan.price_usd, production.prices_as_of) == (Decimal("0.80"), AS_OF)

    def test_what_the_provider_says_that_it_cost_is_kept(self) -> None:
        _, job = make(a_provider(polls=[replace(DONE, cost_usd=Decimal("0.77"))]))
        assert production_of(job).actual_usd == Decimal("0.77")

    def test_a_prompt_that_is_too_long_is_shortened_and_the_job_says_so(self) -> None:
        provider = a_provider(prompt_limit=PromptLimit(200, Counting.UTF16_UNITS))
        _, job = make(provider, prompt="boats " * 100)
        assert len(provider.requests[0].prompt) <= 200
        assert production_of(job).is_shortened
        assert any("shortened" in entry.note for entry in job.history)

    def test_a_prompt_that_fits_is_sent_as_it_is(self) -> None:
        _, job = make(a_provider(prompt_limit=PromptLimit(2000, Counting.UTF8_BYTES)))
        assert not production_of(job).is_shortened


class TestManyParts:
    def test_each_is_made_fetched_and_kept_before_the_next(self) -> None:
        provider = a_provider()
        system, job = make(provider, duration=23.5)
        tokens = [f"{job.id}:1:{part}" for part in (1, 2, 3, 4)]
        assert (job.status, provider.tokens) == (JobStatus.COMPLETED, tokens)
        assert provider.fetched == [f"task-of-{token}" for token in tokens]
        assert job.output is not None
        assert job.output.segments == 4
        whole = b"".join(f"video of task-of-{token}".encode() for token in tokens)
        assert system.store.objects[job.output.video.key] == whole

    def test_the_parts_are_told_that_they_continue_each_other(self) -> None:
        provider = a_provider()
        make(provider, duration=12)
        first, second = (request.prompt for request in provider.requests)
        assert "first of 2" in first
        assert "Shot 2 of 2" in second

    def test_no_part_stays_in_the_bucket(self) -> None:
        system, _ = make(a_provider(), duration=23.5)
        assert not [key for key in system.store.objects if "part" in key]

    def test_a_bucket_that_does_not_answer_then_takes_nothing_from_the_job(self) -> None:
        system = InMemorySystem(provider=a_provider())
        job = system.submit(a_new_job(duration=12))
        real_remove = system.store.remove

        def remove(keys: object) -> None:
            raise Unavailable

        system.store.remove = remove  # type: ignore[method-assign]
        system.run()
        system.store.remove = real_remove  # type: ignore[method-assign]
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED

    def test_progress_counts_all_parts_and_never_goes_back(self) -> None:
        half = Generation(done=False, progress=0.5)
        system = InMemorySystem(provider=a_provider(polls=[half, DONE, half, DONE]))
        job = system.submit(a_new_job(duration=12))
        seen: list[float] = []
        system.jobs.before_save = lambda _, after: seen.append(after.progress or 0)
        system.run()
        assert seen == sorted(seen)
        assert 0.225 in seen
        assert 0.675 in seen
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED

    def test_costs_add_up(self) -> None:
        paid = replace(DONE, cost_usd=Decimal("0.40"))
        _, job = make(a_provider(polls=[paid, DONE, paid]), duration=20)
        assert production_of(job).actual_usd == Decimal("0.80")

    def test_a_failed_part_is_made_again_and_those_before_it_are_not(self) -> None:
        provider = a_provider(polls=[DONE, STUMBLE])
        _, job = make(provider, duration=12)
        assert (job.status, provider.tokens) == (
            JobStatus.COMPLETED,
            [f"{job.id}:1:1", f"{job.id}:1:2", f"{job.id}:2:2"],
        )

    def test_a_result_that_is_lost_is_made_again(self) -> None:
        provider = a_provider(fetches=[GONE])
        _, job = make(provider)
        assert (job.status, provider.tokens) == (JobStatus.COMPLETED, [f"{job.id}:1:1", f"{job.id}:2:1"])

    def test_what_is_no_video_is_made_again(self) -> None:
        system = InMemorySystem(provider=a_provider(fetches=[b""]))
        job = system.submit()
        system.run()
        assert system.jobs.get(job.id).attempt == 2

    def test_a_fetch_without_an_answer_comes_again_in_the_same_attempt(self) -> None:
        provider = a_provider(fetches=[ProviderUnreachable(), ProviderUnreachable()])
        _, job = make(provider)
        assert (job.status, provider.tokens, len(provider.fetched)) == (JobStatus.COMPLETED, [f"{job.id}:1:1"], 3)

    def test_a_provider_that_is_known_no_more_cannot_be_fetched_from(self) -> None:
        system = InMemorySystem(provider=a_provider())
        plan = Plan((CLIP,), (1280, 720), 1280, 720, 192)
        task = ProviderTask("another", submitted_at=a_job().created_at, ref="task-1")
        after = system.deliver(
            system.put(a_started_job(Step.RENDER, production=Production("another", plan), provider=task))
        )
        assert after.history[-1].note.startswith("attempt 1 failed (result_lost")

    def test_a_cancelled_job_leaves_no_parts(self) -> None:
        system = InMemorySystem(provider=a_provider())
        job = system.submit(a_new_job(duration=23.5))
        for _ in range(4):
            [message] = system.queue.drain()
            system.deliver(message)
        assert [key for key in system.store.objects if "part" in key]
        system.cancel(job.id)
        system.run(sweeping=True)
        assert system.store.objects == {}
        assert system.jobs.get(job.id).production is None

    def test_a_part_that_is_stored_after_its_job_was_cancelled_goes_again(self) -> None:
        system = InMemorySystem(provider=a_provider())
        job = system.submit(a_new_job(duration=12))
        for _ in range(2):
            [message] = system.queue.drain()
            system.deliver(message)
        [message] = system.queue.drain()
        system.provider.fetches = [lambda: system.cancel(job.id) and b"late"]  # type: ignore[list-item]
        system.deliver(message)
        system.run(sweeping=True)
        assert system.store.objects == {}

    def test_a_retry_by_the_user_keeps_what_is_paid(self) -> None:
        refusal = ProviderError(FailureCode.CONTENT_REJECTED, "No.", transient=False)
        provider = a_provider(polls=[DONE, refusal])
        system, job = make(provider, duration=12)
        assert job.status is JobStatus.FAILED
        system.retry(job.id)
        system.run()
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED
        assert provider.tokens == [f"{job.id}:1:1", f"{job.id}:1:2", f"{job.id}:2:2"]

    def test_a_part_without_a_plan_is_a_bug(self) -> None:
        from videojobs.domain import lifecycle

        job = a_started_job(Step.RENDER)
        with pytest.raises(ValueError, match="without a plan"):
            lifecycle.schedule_part(job, StoredObject("videos", "part", 1), job.created_at)


class TestWhatCanNotBeMade:
    def test_nothing_is_spent_on_a_request_that_no_plan_meets(self) -> None:
        provider = a_provider(clips=(replace(CLIP, seconds=1),))
        _, job = make(provider, duration=60)
        assert (job.status, provider.tokens) == (JobStatus.FAILED, [])
        assert job.error is not None
        assert job.error.code == FailureCode.INVALID_REQUEST
        assert "duration or aspect ratio" in (job.error_message or "")

    def test_nor_on_a_prompt_of_which_no_word_fits(self) -> None:
        provider = a_provider(prompt_limit=PromptLimit(10, Counting.CODE_POINTS))
        _, job = make(provider, prompt="Boats")
        assert (job.status, provider.tokens) == (JobStatus.FAILED, [])

    def test_any_ratio_is_cut_from_a_landscape(self) -> None:
        _, job = make(a_provider(), aspect_ratio=AspectRatio.SQUARE)
        assert production_of(job).plan.crop == (720, 720)


class TestHints:
    def test_a_provider_that_calls_back_is_told_where_and_asked_less_often(self) -> None:
        provider = a_provider(calls_back=True, polls=[Generation(done=False, poll_after_seconds=6)])
        system = InMemorySystem(provider=provider)
        system.policy = replace(system.policy, callbacks_url="https://api.example.com")
        job = a_job()
        system.deliver(system.put(job))
        [request] = provider.requests
        assert request.callback_url == f"https://api.example.com/api/providers/clips/callback?job={job.id}"
        [message] = system.queue.drain()
        assert message.delay_seconds == 20
        system.clock.advance(20)
        after = system.deliver(message)
        assert after.next is not None
        assert after.next.due_at == system.clock.now() + timedelta(seconds=24)

    @pytest.mark.parametrize(("wished", "done"), [(30, 60), (90, 90)])
    def test_but_once_a_minute_at_least(self, wished: float, done: float) -> None:
        provider = a_provider(calls_back=True, polls=[Generation(done=False, poll_after_seconds=wished)])
        system = InMemorySystem(provider=provider)
        system.policy = replace(system.policy, callbacks_url="https://api.example.com")
        job = a_started_job(provider=ProviderTask("clips", submitted_at=a_job().created_at, ref="task-1"))
        after = system.deliver(system.put(job))
        assert after.next is not None
        assert after.next.due_at == system.clock.now() + timedelta(seconds=done)

    def test_without_an_address_nobody_is_called(self) -> None:
        provider = a_provider(calls_back=True)
        make(provider)
        assert provider.requests[0].callback_url is None


def test_the_token_of_a_repeat_is_that_of_the_first_submit() -> None:
    provider = a_provider(unknown_submit=UnknownSubmit.REPEAT, submits=[ProviderUnreachable()])
    _, job = make(provider, duration=12)
    assert provider.tokens == [f"{job.id}:1:1", f"{job.id}:1:1", f"{job.id}:1:2"]


def test_a_job_that_is_cancelled_between_two_parts_leaves_nothing() -> None:
    system = InMemorySystem(provider=a_provider())
    job = system.submit(a_new_job(duration=12))
    for _ in range(3):
        [message] = system.queue.drain()
        system.deliver(message)
    assert system.jobs.get(job.id).provider is None
    assert [key for key in system.store.objects if "part" in key]
    system.cancel(job.id)
    system.run(sweeping=True)
    assert system.store.objects == {}


def test_the_fetch_of_an_early_part_renews_the_lease_and_claims_no_progress() -> None:
    system = InMemorySystem(provider=a_provider(polls=[DONE]))
    system.submit(a_new_job(duration=23.5))
    for _ in range(2):
        [message] = system.queue.drain()
        system.deliver(message)
    [message] = system.queue.drain()

    def fetch() -> bytes:
        system.clock.advance(2)
        return b"a part"

    system.provider.fetches = [fetch]
    leases: list[object] = []
    system.jobs.before_save = lambda _, after: leases.append(after.lease)
    after = system.deliver(message)
    assert after.progress == 0
    assert leases[0] is not None
