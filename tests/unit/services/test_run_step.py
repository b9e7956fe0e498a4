"""The worker under duplicate and stale messages, lost leases and unavailable services."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_job, a_lease, a_started_job, an_id, an_output
from tests.fakes.provider import ScriptedProvider
from tests.fakes.queue import SentMessage
from tests.system import InMemorySystem
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, Lease, Step, VideoJob
from videojobs.ports.videos import Generation, Submission


def steal(system: InMemorySystem, *, at_save: int) -> None:
    """Give the lease to another worker right before the n-th save."""
    saves = 0

    def before_save(before: VideoJob, _: VideoJob) -> None:
        nonlocal saves
        saves += 1
        if saves == at_save:
            stolen = system.jobs.get(before.id)
            system.jobs.put(replace(stolen, lease=Lease("theirs", system.clock.now() + timedelta(minutes=1))))

    system.jobs.before_save = before_save


def break_save(system: InMemorySystem, *, at_save: int, landed: bool = False) -> None:
    """Let the n-th save fail without confirmation; with `landed` it is written nevertheless."""
    saves = 0

    def before_save(before: VideoJob, after: VideoJob) -> None:
        nonlocal saves
        saves += 1
        if saves == at_save:
            system.jobs.before_save = None
            if landed:
                assert system.jobs.save(before, after)
            raise Unavailable

    system.jobs.before_save = before_save


def a_finish(**changes: Any) -> VideoJob:
    """Return a job at its finish step with an output, with the changes applied."""
    return a_started_job(Step.FINISH, output=an_output(size_bytes=4), **changes)


class TestMessages:
    def test_a_message_delivered_twice_is_processed_once(self) -> None:
        system = InMemorySystem()
        system.submit()
        [message] = system.queue.drain()
        first = system.deliver(message)
        assert system.deliver(message) == first
        assert len(system.provider.tokens) == 1
        assert len(system.queue.sent) == 1

    def test_a_message_in_sixteen_threads_is_processed_once(self) -> None:
        system = InMemorySystem()
        system.submit()
        [message] = system.queue.drain()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(system.deliver, [message] * 16))
        assert len(system.provider.tokens) == 1
        assert len(system.queue.sent) == 1

    def test_a_stale_message_does_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        job = system.deliver(replace(message, step_id="the step before"))
        assert job == system.jobs.get(message.job_id)
        assert (system.provider.polled, system.queue.sent) == ([], [])

    def test_a_message_for_an_ended_job_does_nothing(self) -> None:
        system = InMemorySystem()
        ended = system.jobs.put(a_job(status=JobStatus.FAILED, next=None))
        assert system.deliver(SentMessage(ended.id, "old", Step.START)) == ended
        assert system.provider.tokens == []

    def test_a_message_for_an_unknown_job_does_nothing(self) -> None:
        system = InMemorySystem()
        with pytest.raises(KeyError):
            system.deliver(SentMessage(an_id(), "step", Step.START))
        assert (system.provider.tokens, system.queue.sent) == ([], [])

    def test_a_message_for_a_step_under_a_lease_does_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(lease=a_lease(25)))
        assert system.deliver(message).lease == a_lease(25)
        assert system.provider.polled == []

    def test_a_step_whose_worker_died_is_processed_again_in_the_same_attempt(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        system.crash_worker(message)
        system.clock.advance(25)
        done = system.deliver(message)
        assert (done.status, done.attempt) == (JobStatus.COMPLETED, 1)

    def test_a_render_step_in_the_wrong_queue_raises_value_error(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.RENDER))
        with pytest.raises(ValueError, match="render step"):
            system.deliver(replace(message, step=Step.POLL))
        assert system.jobs.get(message.job_id).status is JobStatus.PROCESSING

    def test_a_task_of_a_provider_that_was_removed_starts_another_attempt(self) -> None:
        system = InMemorySystem()
        job = a_started_job()
        assert job.provider is not None
        message = system.put(replace(job, provider=replace(job.provider, name="another")))
        after = system.deliver(message)
        assert (after.status, after.attempt, after.provider) == (JobStatus.PROCESSING, 2, None)
        assert system.provider.polled == []

    @pytest.mark.parametrize("ref", [None, ""], ids=["no ref", "no provider"])
    def test_a_poll_without_a_provider_task_raises_value_error(self, ref: str | None) -> None:
        system = InMemorySystem()
        job = a_started_job()
        assert job.provider is not None
        message = system.put(replace(job, provider=replace(job.provider, ref=None) if ref is None else None))
        with pytest.raises(ValueError, match="without a task"):
            system.deliver(message)
        assert system.provider.polled == []


class TestLostLeases:
    """Saves after a lost lease: nothing is written and nothing is sent."""

    def outcome(self, system: InMemorySystem, message: SentMessage) -> None:
        after = system.deliver(message)
        assert after.lease is not None
        assert after.lease.token == "theirs"
        assert after.next is not None
        assert after.next.id == message.step_id
        assert (system.queue.sent, system.notifier.published) == ([], [])

    def test_a_lease_lost_before_the_intent_submits_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())
        steal(system, at_save=1)
        self.outcome(system, message)
        assert system.provider.tokens == []
        assert system.jobs.get(message.job_id).status is JobStatus.QUEUED

    def test_a_lease_lost_before_the_ref_leaves_an_intent_without_a_ref(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())
        steal(system, at_save=2)
        self.outcome(system, message)
        task = system.jobs.get(message.job_id).provider
        assert task is not None
        assert task.ref is None
        assert len(system.provider.tokens) == 1

    @pytest.mark.parametrize("done", [False, True], ids=["running", "done"])
    def test_a_lease_lost_before_the_outcome_of_a_poll_changes_nothing(self, done: bool) -> None:
        system = InMemorySystem(provider=ScriptedProvider(polls=[Generation(done=done)]))
        message = system.put(a_started_job())
        steal(system, at_save=1)
        self.outcome(system, message)
        assert system.jobs.get(message.job_id).status is JobStatus.PROCESSING

    def test_a_lease_lost_before_the_completion_does_not_complete_the_job(self) -> None:
        system = InMemorySystem()
        message = system.put(a_finish())
        system.store.objects["videos/1/1.mp4"] = b"four"
        steal(system, at_save=1)
        self.outcome(system, message)
        assert system.jobs.get(message.job_id).status is JobStatus.PROCESSING

    def test_a_lease_lost_at_the_deadline_cancels_no_task(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        system.clock.advance(hours=2)
        steal(system, at_save=1)
        self.outcome(system, message)
        assert system.provider.cancelled == []


class TestFinish:
    @pytest.mark.parametrize("content", [None, b"", b"fou", b"fours"], ids=["missing", "empty", "short", "long"])
    def test_a_stored_object_of_another_size_is_rendered_again(self, content: bytes | None) -> None:
        system = InMemorySystem()
        message = system.put(a_finish())
        if content is not None:
            system.store.objects["videos/1/1.mp4"] = content
        after = system.deliver(message)
        assert after.next is not None
        assert (after.status, after.next.step, after.video_url) == (JobStatus.PROCESSING, Step.RENDER, None)
        assert [sent.step for sent in system.queue.sent] == [Step.RENDER]

    def test_a_finish_step_without_an_output_renders_again(self) -> None:
        system = InMemorySystem()
        after = system.deliver(system.put(a_started_job(Step.FINISH)))
        assert after.next is not None
        assert after.next.step is Step.RENDER

    def test_a_finished_video_completes_its_job_even_after_the_deadline(self) -> None:
        system = InMemorySystem()
        message = system.put(a_finish())
        system.store.objects["videos/1/1.mp4"] = b"four"
        system.clock.advance(hours=2)
        assert system.deliver(message).status is JobStatus.COMPLETED

    def test_an_unavailable_store_leaves_the_finish_step_undecided(self) -> None:
        system = InMemorySystem()
        message = system.put(a_finish())
        system.store.available = False
        with pytest.raises(Unavailable):
            system.deliver(message)
        system.store.available = True
        system.store.objects["videos/1/1.mp4"] = b"four"
        system.clock.advance(26)
        assert system.deliver(message).status is JobStatus.COMPLETED


class TestUnavailableServices:
    def test_the_reconciler_sends_the_next_step_after_an_outage_of_the_queue(self) -> None:
        system = InMemorySystem()
        system.queue.available = False
        job = system.submit()
        assert system.queue.sent == []
        system.queue.available = True
        system.run(sweeping=True)
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED

    def test_a_message_sent_twice_after_a_lost_response_is_processed_once(self) -> None:
        system = InMemorySystem()
        system.queue.answers_lost = True
        job = system.submit()
        system.run(sweeping=True)
        done = system.jobs.get(job.id)
        assert (done.status, len(system.provider.tokens)) == (JobStatus.COMPLETED, 1)

    def test_an_unavailable_database_fails_the_step_so_that_the_message_is_delivered_again(self) -> None:
        system = InMemorySystem()
        job = system.submit()
        [message] = system.queue.drain()
        system.jobs.available = False
        with pytest.raises(Unavailable):
            system.deliver(message)
        assert system.jobs.get(job.id) == job

    @pytest.mark.parametrize("landed", [False, True])
    @pytest.mark.parametrize("at_save", [1, 2])
    def test_a_save_that_is_not_confirmed_starts_no_second_task(self, at_save: int, landed: bool) -> None:
        system = InMemorySystem()
        job = system.submit()
        [message] = system.queue.drain()
        break_save(system, at_save=at_save, landed=landed)
        with pytest.raises(Unavailable):
            system.deliver(message)
        system.run(sweeping=True)
        done = system.jobs.get(job.id)
        assert (done.status, done.attempt) == (JobStatus.COMPLETED, 1)
        assert set(system.provider.tokens) == {f"{job.id}:1"}

    def test_an_unavailable_notifier_delays_only_the_announcements(self) -> None:
        system = InMemorySystem()
        system.notifier.available = False
        job = system.submit()
        system.run()
        done = system.jobs.get(job.id)
        assert (done.status, system.notifier.published) == (JobStatus.COMPLETED, [])
        system.notifier.available = True
        system.clock.advance(minutes=1)
        assert system.sweep()["announced"] == 1
        assert [announcement.version for _, announcement in system.notifier.published] == list(
            range(1, done.version + 1)
        )

    def test_an_announcement_whose_response_was_lost_is_repeated_under_the_same_id(self) -> None:
        system = InMemorySystem()
        system.notifier.answers_lost = True
        system.submit()
        system.run()
        system.notifier.answers_lost = False
        system.clock.advance(minutes=1)
        system.sweep()
        ids: dict[int, set[str]] = {}
        for _, announcement in system.notifier.published:
            ids.setdefault(announcement.version, set()).add(announcement.id)
        assert len(system.notifier.published) > len(ids)
        assert all(len(event_ids) == 1 for event_ids in ids.values())


def test_a_provider_that_needs_no_poll_is_rendered_at_once() -> None:
    provider = ScriptedProvider(yields_pixels=True, submits=[Submission("task", poll_after_seconds=None)])
    system = InMemorySystem(provider=provider)
    system.submit()
    [message] = system.queue.drain()
    system.deliver(message)
    assert [sent.step for sent in system.queue.sent] == [Step.RENDER]
    assert system.queue.sent[0].delay_seconds == 0
