"""Rendering: one worker at a time, under a lease that is renewed; scratch files are always removed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import a_started_job
from tests.fakes.clock import START
from tests.fakes.renderer import VIDEO, ScriptedRenderer
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.job import JobStatus, Lease, Step, VideoJob
from videojobs.domain.storage import OBJECT_KINDS, object_key

LOST = ProviderError(FailureCode.RESULT_LOST, "The provider's video is gone.", transient=True)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create scratch folders in `tmp_path`, and return it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def a_slow_system(seconds: float, *, error: Exception | None = None) -> InMemorySystem:
    """Return a system in which `seconds` pass at every report of the renderer."""
    system = InMemorySystem()
    system.renderer = ScriptedRenderer(error=error, at_report=lambda _: system.clock.advance(seconds) and None)
    return system


def watch(system: InMemorySystem) -> list[VideoJob]:
    """Return a list that receives each job that is about to be saved, in order."""
    saves: list[VideoJob] = []
    system.jobs.before_save = lambda _, after: saves.append(after)
    return saves


def test_a_rendered_video_is_stored_and_passed_to_the_finish_step(scratch: Path) -> None:
    system = InMemorySystem()
    after = system.deliver(system.put(a_started_job(Step.RENDER)))
    assert after.output is not None
    assert after.poster is not None
    assert system.store.objects[after.output.video.key] == VIDEO
    assert (after.lease, after.status) == (None, JobStatus.PROCESSING)
    assert [sent.step for sent in system.queue.sent] == [Step.FINISH]
    assert list(scratch.iterdir()) == []


def test_each_attempt_stores_its_files_under_its_own_keys() -> None:
    system = InMemorySystem()
    job = a_started_job(Step.RENDER, attempt=2)
    system.deliver(system.put(job))
    assert set(system.store.objects) == {f"videos/{job.id}/2.mp4", f"videos/{job.id}/2.jpg", f"videos/{job.id}/2.webp"}


def test_progress_grows_and_each_report_renews_the_lease() -> None:
    system = a_slow_system(10)
    saves = watch(system)
    system.deliver(system.put(a_started_job(Step.RENDER, progress=0.9)))
    *reports, last = saves
    progress = [after.progress for after in reports]
    assert progress == sorted(progress, key=float)  # type: ignore[arg-type]
    assert progress[0] == 0.9
    assert progress[-1] == pytest.approx(0.99)
    assert all(after.lease is not None for after in reports)
    until = [after.lease.until for after in reports if after.lease]
    assert until == sorted(set(until))
    assert last.lease is None


def test_a_render_longer_than_a_lease_keeps_its_lease() -> None:
    system = a_slow_system(20)
    message = system.put(a_started_job(Step.RENDER))
    second: list[VideoJob] = []

    def deliver_again(_: float) -> None:
        system.clock.advance(20)
        second.append(system.deliver(message))

    system.renderer.at_report = deliver_again
    after = system.deliver(message)
    assert after.next is not None
    assert after.next.step is Step.FINISH
    assert len(second) == 5
    assert len(system.renderer.folders) == 1


def test_reports_in_quick_succession_are_not_all_saved() -> None:
    system = a_slow_system(0.3)
    saves = watch(system)
    system.deliver(system.put(a_started_job(Step.RENDER)))
    assert len(saves) == 2


def test_the_first_report_is_saved_within_a_second() -> None:
    system = a_slow_system(0.5)
    saves = watch(system)
    system.deliver(system.put(a_started_job(Step.RENDER)))
    first, *_ = saves
    assert first.updated_at - START <= timedelta(seconds=0.5)


def test_a_lost_lease_stops_the_rendering_and_nothing_is_stored(scratch: Path) -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))
    reports: list[float] = []

    def take_over(done: float) -> None:
        system.clock.advance(2)
        reports.append(done)
        if done == 0.25:
            job = system.jobs.get(message.job_id)
            system.jobs.put(replace(job, lease=Lease("theirs", system.clock.now() + timedelta(minutes=1))))

    system.renderer.at_report = take_over
    after = system.deliver(message)
    assert after.lease is not None
    assert after.lease.token == "theirs"
    assert reports == [0.0, 0.25]
    assert (system.store.objects, system.queue.sent) == ({}, [])
    assert list(scratch.iterdir()) == []


def test_an_outcome_after_the_lease_is_lost_is_not_saved() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))

    def take_over(before: VideoJob, _: VideoJob) -> None:
        system.jobs.put(replace(system.jobs.get(before.id), lease=Lease("theirs", system.clock.now())))

    system.jobs.before_save = take_over
    after = system.deliver(message)
    assert (after.output, system.queue.sent) == (None, [])


def test_a_short_outage_of_the_database_does_not_stop_the_rendering() -> None:
    system = InMemorySystem()

    def blip(done: float) -> None:
        system.clock.advance(2)
        system.jobs.available = done not in {0.25, 0.5}

    system.renderer.at_report = blip
    after = system.deliver(system.put(a_started_job(Step.RENDER)))
    assert after.next is not None
    assert after.next.step is Step.FINISH
    assert after.progress == pytest.approx(0.9)


def test_an_unavailable_notifier_does_not_stop_the_rendering() -> None:
    system = a_slow_system(2)
    system.notifier.available = False
    after = system.deliver(system.put(a_started_job(Step.RENDER)))
    assert after.next is not None
    assert after.next.step is Step.FINISH
    assert [announcement.version for announcement in after.outbox] == list(range(1, after.version + 1))


def test_a_provider_error_starts_another_attempt_and_leaves_no_scratch_files(scratch: Path) -> None:
    system = InMemorySystem(renderer=ScriptedRenderer(error=LOST))
    after = system.deliver(system.put(a_started_job(Step.RENDER)))
    assert after.next is not None
    assert (after.next.step, after.attempt) == (Step.START, 2)
    assert [sent.step for sent in system.queue.sent] == [Step.START]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError(), Unavailable()], ids=repr)
def test_any_other_error_is_raised_and_leaves_no_scratch_files(scratch: Path, error: Exception) -> None:
    system = InMemorySystem(renderer=ScriptedRenderer(error=error))
    message = system.put(a_started_job(Step.RENDER))
    with pytest.raises(type(error)):
        system.deliver(message)
    assert len(system.renderer.folders) == 1
    assert list(scratch.iterdir()) == []
    system.renderer.error = None
    system.clock.advance(26)
    after = system.deliver(message)
    assert after.next is not None
    assert after.next.step is Step.FINISH


def test_an_unavailable_store_fails_the_step_so_that_the_message_is_delivered_again() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))
    system.store.available = False
    with pytest.raises(Unavailable):
        system.deliver(message)
    assert system.queue.sent == []
    assert system.jobs.get(message.job_id).lease is not None


def test_a_job_past_its_deadline_is_not_rendered() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))
    system.clock.advance(hours=1)
    after = system.deliver(message)
    assert (after.status, system.renderer.folders) == (JobStatus.FAILED, [])
    assert after.error is not None
    assert after.error.code == "timeout"


def test_the_same_message_in_eight_threads_is_rendered_once() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(system.deliver, [message] * 8))
    assert len(system.renderer.folders) == 1
    assert len(system.queue.sent) == 1


def test_a_stale_message_is_not_rendered() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job(Step.RENDER))
    system.deliver(replace(message, step_id="stale"))
    assert system.renderer.folders == []


def test_each_render_uses_a_scratch_folder_of_its_own(scratch: Path) -> None:
    system = InMemorySystem()
    for _ in range(2):
        system.deliver(system.put(a_started_job(Step.RENDER)))
    assert len(set(system.renderer.folders)) == 2
    assert all(folder.parent == scratch for folder in system.renderer.folders)


class TestFilesAfterALostLease:
    """Files stored after the lease was lost: removed, unless another renderer may be working on the same attempt."""

    def lose(self, meanwhile: Callable[[InMemorySystem, VideoJob], object]) -> tuple[InMemorySystem, VideoJob]:
        system = InMemorySystem()
        job = a_started_job(Step.RENDER)

        def lose_lease(*_: VideoJob) -> None:
            system.jobs.before_save = None
            meanwhile(system, job)

        system.jobs.before_save = lose_lease
        system.hand_out(system.put(job))
        return system, job

    def test_the_files_of_a_cancelled_job_are_removed(self) -> None:
        system, _ = self.lose(lambda system, job: system.cancel(job.id))
        assert system.store.objects == {}

    def test_the_files_of_a_job_that_was_retried_since_are_removed(self) -> None:
        system, _ = self.lose(lambda system, job: [system.cancel(job.id), system.retry(job.id)])
        assert system.store.objects == {}

    def test_the_files_of_a_deleted_job_are_removed(self) -> None:
        system, _ = self.lose(lambda system, job: system.jobs.remove(system.jobs.get(job.id)))
        assert (system.store.objects, system.jobs.all()) == ({}, [])

    def test_files_that_another_renderer_of_the_same_attempt_may_have_stored_are_kept(self) -> None:
        lease = Lease("theirs", START + timedelta(minutes=1))
        system, job = self.lose(lambda system, job: system.jobs.put(replace(system.jobs.get(job.id), lease=lease)))
        assert set(system.store.objects) == {object_key(job.id, job.attempt, kind) for kind in OBJECT_KINDS}
