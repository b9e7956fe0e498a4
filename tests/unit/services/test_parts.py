"""Videos in parts: planned before anything is spent, generated in order, fetched at once and joined at the end."""

from copy import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from localcloud.config import ROOT
from localcloud.template import read_template
from tests.builders import START, a_job, a_new_job, a_started_job
from tests.fakes.provider import DONE, ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import MAXIMUM_PARTS_BYTES, MAXIMUM_RESULT_BYTES, Production
from videojobs.domain.prompt import STYLE_WORDS, Counting, PromptLimit
from videojobs.domain.request import AspectRatio, Style
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import Generation, UnknownSubmit

CLIP = Clip(1280, 720, 8, Decimal("0.80"))
AS_OF = date(2026, 11, 1)
STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
GONE = ProviderError(FailureCode.RESULT_LOST, "It is gone.", transient=True)


def a_provider(**changes: object) -> ScriptedProvider:
    """Return a provider that makes clips of eight seconds, with the changes applied."""
    fields = {"name": "clips", "yields_pixels": True, "clips": (CLIP,), "prices_as_of": AS_OF}
    return ScriptedProvider(**(fields | changes))  # type: ignore[arg-type]


def make(provider: ScriptedProvider, **request: object) -> tuple[InMemorySystem, VideoJob]:
    """Run a job to its end, and return the system and the job."""
    system = InMemorySystem(provider=provider)
    job = system.submit(a_new_job(**request))
    system.run()
    return system, system.jobs.get(job.id)


def production_of(job: VideoJob) -> Production:
    """Return the production of the job, which must exist."""
    assert job.production is not None
    return job.production


class TestSinglePart:
    def test_a_single_clip_is_fetched_assembled_and_stored(self) -> None:
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

    def test_the_provider_receives_prompt_style_and_clip(self) -> None:
        provider = a_provider()
        make(provider, prompt="A paper boat", style=Style.CALM)
        [request] = provider.requests
        assert (request.prompt, request.clip) == (f"A paper boat\n\n{STYLE_WORDS[Style.CALM]}", CLIP)
        assert request.callback_url is None

    def test_the_estimated_price_is_stored_at_the_start(self) -> None:
        system = InMemorySystem(provider=a_provider(polls=[Generation(done=False)]))
        message = system.put(a_job())
        production = production_of(system.deliver(message))
        assert (production.plan.price_usd, production.prices_as_of) == (Decimal("0.80"), AS_OF)

    def test_the_cost_that_the_provider_reports_is_stored(self) -> None:
        _, job = make(a_provider(polls=[replace(DONE, cost_usd=Decimal("0.77"))]))
        assert production_of(job).actual_usd == Decimal("0.77")

    def test_a_prompt_over_the_limit_is_shortened_and_the_history_records_it(self) -> None:
        provider = a_provider(prompt_limit=PromptLimit(200, Counting.UTF16_UNITS))
        _, job = make(provider, prompt="boats " * 100)
        assert len(provider.requests[0].prompt) <= 200
        assert production_of(job).is_shortened
        assert any("shortened" in entry.note for entry in job.history)

    def test_a_prompt_within_the_limit_is_not_shortened(self) -> None:
        _, job = make(a_provider(prompt_limit=PromptLimit(2000, Counting.UTF8_BYTES)))
        assert not production_of(job).is_shortened


class TestSeveralParts:
    def test_each_part_is_generated_fetched_and_stored_before_the_next(self) -> None:
        provider = a_provider()
        system, job = make(provider, duration=23.5)
        tokens = [f"{job.id}:1:{part}" for part in (1, 2, 3, 4)]
        assert (job.status, provider.tokens) == (JobStatus.COMPLETED, tokens)
        assert provider.fetched == [f"task-of-{token}" for token in tokens]
        assert job.output is not None
        assert job.output.segments == 4
        whole = b"".join(f"video of task-of-{token}".encode() for token in tokens)
        assert system.store.objects[job.output.video.key] == whole

    def test_the_prompt_of_each_part_states_its_position(self) -> None:
        provider = a_provider()
        make(provider, duration=12)
        first, second = (request.prompt for request in provider.requests)
        assert "first of 2" in first
        assert "Shot 2 of 2" in second

    def test_no_part_stays_in_the_bucket(self) -> None:
        system, _ = make(a_provider(), duration=23.5)
        assert not [key for key in system.store.objects if "part" in key]

    def test_a_job_completes_even_if_its_parts_cannot_be_removed(self) -> None:
        system = InMemorySystem(provider=a_provider())
        job = system.submit(a_new_job(duration=12))
        real_remove = system.store.remove

        def remove(keys: object) -> None:
            raise Unavailable

        system.store.remove = remove  # type: ignore[method-assign]
        system.run()
        system.store.remove = real_remove  # type: ignore[method-assign]
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED

    def test_progress_covers_all_parts_and_never_decreases(self) -> None:
        half = Generation(done=False, progress=0.5)
        system = InMemorySystem(provider=a_provider(polls=[half, DONE, half, DONE]))
        job = system.submit(a_new_job(duration=12))
        progress_values: list[float] = []
        system.jobs.before_save = lambda _, after: progress_values.append(after.progress or 0)
        system.run()
        assert progress_values == sorted(progress_values)
        assert 0.225 in progress_values
        assert 0.675 in progress_values
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED

    def test_the_costs_of_the_parts_are_added_up(self) -> None:
        paid = replace(DONE, cost_usd=Decimal("0.40"))
        _, job = make(a_provider(polls=[paid, DONE, paid]), duration=20)
        assert production_of(job).actual_usd == Decimal("0.80")

    def test_a_failed_part_is_generated_again_and_earlier_parts_are_kept(self) -> None:
        provider = a_provider(polls=[DONE, STUMBLE])
        _, job = make(provider, duration=12)
        assert (job.status, provider.tokens) == (
            JobStatus.COMPLETED,
            [f"{job.id}:1:1", f"{job.id}:1:2", f"{job.id}:2:2"],
        )

    def test_a_lost_result_is_generated_again(self) -> None:
        provider = a_provider(fetches=[GONE])
        _, job = make(provider)
        assert (job.status, provider.tokens) == (JobStatus.COMPLETED, [f"{job.id}:1:1", f"{job.id}:2:1"])

    def test_a_result_that_is_not_a_video_is_generated_again(self) -> None:
        system = InMemorySystem(provider=a_provider(fetches=[b""]))
        job = system.submit()
        system.run()
        assert system.jobs.get(job.id).attempt == 2

    def test_an_unreachable_fetch_is_repeated_in_the_same_attempt(self) -> None:
        provider = a_provider(fetches=[ProviderUnreachable(), ProviderUnreachable()])
        _, job = make(provider)
        assert (job.status, provider.tokens, len(provider.fetched)) == (JobStatus.COMPLETED, [f"{job.id}:1:1"], 3)

    def test_a_result_of_a_provider_that_was_removed_is_lost(self) -> None:
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

    def test_a_part_that_is_stored_after_the_cancellation_is_removed(self) -> None:
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

    def test_a_retry_by_the_user_keeps_the_parts_already_paid_for(self) -> None:
        refusal = ProviderError(FailureCode.CONTENT_REJECTED, "No.", transient=False)
        provider = a_provider(polls=[DONE, refusal])
        system, job = make(provider, duration=12)
        assert job.status is JobStatus.FAILED
        system.retry(job.id)
        system.run()
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED
        assert provider.tokens == [f"{job.id}:1:1", f"{job.id}:1:2", f"{job.id}:2:2"]

    def test_scheduling_a_part_without_a_plan_raises_value_error(self) -> None:
        from videojobs.domain import lifecycle

        job = a_started_job(Step.RENDER)
        with pytest.raises(ValueError, match="without a plan"):
            lifecycle.schedule_part(job, StoredObject("videos", "part", 1), job.created_at)


class TestImpossibleRequests:
    def test_a_request_that_no_plan_meets_fails_before_anything_is_spent(self) -> None:
        provider = a_provider(clips=(replace(CLIP, seconds=1),))
        _, job = make(provider, duration=60)
        assert (job.status, provider.tokens) == (JobStatus.FAILED, [])
        assert job.error is not None
        assert job.error.code == FailureCode.INVALID_REQUEST
        assert "duration, aspect ratio or resolution" in (job.error_message or "")

    def test_a_prompt_that_cannot_be_shortened_fails_before_anything_is_spent(self) -> None:
        provider = a_provider(prompt_limit=PromptLimit(10, Counting.CODE_POINTS))
        _, job = make(provider, prompt="Boats")
        assert (job.status, provider.tokens) == (JobStatus.FAILED, [])

    def test_a_square_video_is_cropped_from_a_landscape_clip(self) -> None:
        _, job = make(a_provider(), aspect_ratio=AspectRatio.SQUARE)
        assert production_of(job).plan.crop == (720, 720)


class TestCallbacks:
    def test_callback_providers_receive_the_callback_url_and_are_polled_less_often(self) -> None:
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
    def test_callback_providers_are_polled_at_least_once_a_minute(self, wished: float, done: float) -> None:
        provider = a_provider(calls_back=True, polls=[Generation(done=False, poll_after_seconds=wished)])
        system = InMemorySystem(provider=provider)
        system.policy = replace(system.policy, callbacks_url="https://api.example.com")
        job = a_started_job(provider=ProviderTask("clips", submitted_at=a_job().created_at, ref="task-1"))
        after = system.deliver(system.put(job))
        assert after.next is not None
        assert after.next.due_at == system.clock.now() + timedelta(seconds=done)

    def test_no_callback_url_is_sent_when_none_is_configured(self) -> None:
        provider = a_provider(calls_back=True)
        make(provider)
        assert provider.requests[0].callback_url is None


def test_a_repeated_submit_uses_the_token_of_the_first() -> None:
    provider = a_provider(unknown_submit=UnknownSubmit.REPEAT, submits=[ProviderUnreachable()])
    _, job = make(provider, duration=12)
    assert provider.tokens == [f"{job.id}:1:1", f"{job.id}:1:1", f"{job.id}:1:2"]


def test_a_job_cancelled_between_two_parts_leaves_no_files() -> None:
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


def test_fetching_an_early_part_renews_the_lease_and_reports_no_progress() -> None:
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


def a_part(size_bytes: int) -> StoredObject:
    return StoredObject("videos", "part", size_bytes)


@pytest.mark.parametrize(("clips", "maximum"), [(1, 500_000_000), (6, 500_000_000), (12, 250_000_000)])
def test_the_parts_of_a_video_fit_into_the_scratch_space_together(clips: int, maximum: int) -> None:
    production = Production("clips", Plan((CLIP,) * clips, (1280, 720), 1280, 720, 24))
    assert production.maximum_part_bytes == maximum
    for _ in range(clips):
        production = production.with_part(a_part(production.maximum_part_bytes))
    assert sum(part.size_bytes for part in production.parts) <= MAXIMUM_PARTS_BYTES


def test_small_parts_leave_more_space_for_the_next() -> None:
    production = Production("clips", Plan((CLIP,) * 12, (1280, 720), 1280, 720, 24))
    for _ in range(11):
        production = production.with_part(a_part(1_000_000))
    assert production.maximum_part_bytes == 500_000_000


def test_the_provider_receives_the_size_that_fits() -> None:
    provider = a_provider()
    make(provider, duration=60)
    assert len(provider.limits) == 8
    assert provider.limits[0] == MAXIMUM_PARTS_BYTES // 8


def test_parts_that_leave_no_space_fail_the_job_before_a_download() -> None:
    provider = a_provider()
    plan = Plan((CLIP,) * 7, (1280, 720), 1280, 720, 24)
    production = Production("clips", plan, parts=(a_part(500_000_000),) * 6)
    task = ProviderTask("clips", submitted_at=START, ref="task-1")
    system = InMemorySystem(provider=provider)
    job = system.deliver(system.put(a_started_job(Step.RENDER, production=production, provider=task)))
    assert (job.status, provider.fetched) == (JobStatus.FAILED, [])
    assert job.error_message is not None
    assert job.error_message.startswith("The parts of the video are too large to be joined.")


def test_the_scratch_space_of_the_renderer_holds_the_parts_and_the_joined_video() -> None:
    renderer = read_template(ROOT / "template.yaml")["Resources"]["RenderFunction"]["Properties"]
    assert renderer["EphemeralStorage"]["Size"] * 1024 * 1024 > MAXIMUM_PARTS_BYTES + 2 * MAXIMUM_RESULT_BYTES
