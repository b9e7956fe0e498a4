"""State machine of the model: each rule is an event that can happen at any time."""

from datetime import timedelta

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.builders import A_USER, ANOTHER_USER, a_job
from tests.model.actors import PAUSES, Fault, Hit, Role
from tests.model.final_checks import check_jobs, settle
from tests.model.provider import Answer, LedgerProvider, ProviderKind
from tests.model.system_under_test import MOST_SKEW, POLICY, SystemUnderTest
from tests.model.users import Users
from videojobs.domain.job import JobStatus, Step
from videojobs.domain.request import Priority
from videojobs.ports.videos import UnknownSubmit

MOST_JOBS = 4

calls = st.one_of(st.integers(1, 8), st.integers(1, 24))
"""A step makes eight calls to ports; a render with its reports makes three times as many."""
uploads = st.integers(17, 21)
"""The last calls of a render."""
faults = st.builds(Fault, st.sampled_from(Hit), calls)
hits = st.one_of(st.just(()), st.tuples(faults), st.tuples(faults, faults))
sleeps = st.builds(Fault, st.sampled_from(sorted(PAUSES)), calls)
which = st.integers(0, 5)
skews = st.sampled_from([timedelta(), timedelta(), timedelta(), MOST_SKEW, -MOST_SKEW])
passing = st.sampled_from([1, 6, 26, 31, 61, 330, 660, 90_000])
answers = st.one_of(st.none(), st.sampled_from(Answer))
actions = st.sampled_from(
    [
        (Role.CANCEL,),
        (Role.CANCEL, Role.RETRY),
        (Role.CANCEL, Role.DELETE),
        (Role.CANCEL, Role.RETRY, Role.CANCEL),
        (Role.RETRY,),
        (Role.RETRY, Role.CANCEL),
        (Role.DELETE,),
    ]
)
"""Consecutive requests of a user for one job."""


class VideoJobsMachine(RuleBasedStateMachine):
    """Random histories: users send requests, messages arrive in any order, actors crash or pause, and time passes."""

    sut: SystemUnderTest

    @initialize(
        kind=st.sampled_from(ProviderKind),
        unknown_submit=st.sampled_from(UnknownSubmit),
        cap=st.sampled_from([1, 1, 2]),
        maximum_waiting=st.sampled_from([1, 3]),
    )
    def start(self, kind, unknown_submit, cap, maximum_waiting):
        """Start with a kind of provider, a number of slots and of waiting jobs per user, and a first job."""
        provider, limits = LedgerProvider(kind, unknown_submit), {"cap": cap, "maximum_waiting": maximum_waiting}
        self.sut = SystemUnderTest(provider, log=note, check=check_jobs, **limits)
        self.users = Users(self.sut)
        self.users.submit(A_USER, None, "a cat", Priority.NORMAL, ())

    @precondition(lambda self: len(self.sut.jobs.versions) < MOST_JOBS)
    @rule(
        user=st.sampled_from([A_USER, A_USER, ANOTHER_USER]),
        key=st.sampled_from(["k", None]),
        body=st.sampled_from(["a cat", "a dog"]),
        priority=st.sampled_from([Priority.NORMAL, Priority.NORMAL, Priority.HIGH]),
        hit=hits,
    )
    def user_submits_a_job(self, user, key, body, priority, hit):
        """Send a request of a user, possibly a repeated one."""
        self.users.submit(user, key, body, priority, hit)

    @precondition(lambda self: self._shown())
    @rule(which=which, actions=actions, hit=hits)
    def user_controls_a_job(self, which, actions, hit):
        """Cancel, retry or delete a job of any status."""
        self._control(_one_of(self._shown(), which).id, actions, hit)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, sleep=sleeps, actions=actions, answer=answers)
    def user_controls_a_job_while_a_worker_is_paused(self, which, sleep, actions, answer):
        """Pause a worker in any step and at any call, and control its job."""
        message = _one_of(self.sut.messages, which)
        self.sut.provider.answer = answer
        self.sut.deliver(message, timedelta(), (sleep,))
        self._control(message.sent.job_id, actions, ())

    @precondition(lambda self: self._renders())
    @rule(which=which, hit=st.sampled_from(sorted(PAUSES)), call=uploads, actions=actions)
    def user_controls_a_job_while_a_renderer_is_paused(self, which, hit, call, actions):
        """Let another worker finish the next step before the renderer continues its upload."""
        message = _one_of(self._renders(), which)
        self.sut.deliver(message, timedelta(), (Fault(hit, call),))
        self._control(message.sent.job_id, actions, ())
        self.sut.pass_time(POLICY.lease_duration)
        if self.sut.messages:
            self.sut.deliver(self.sut.messages[-1], timedelta(), ())

    @precondition(lambda self: self.sut.messages)
    @rule(answers=st.lists(answers, min_size=1, max_size=4))
    def some_steps_run_without_faults(self, answers):
        """Deliver some messages without faults. The provider may still fail."""
        for answer in answers:
            if self.sut.messages:
                self.sut.provider.answer = answer
                self.sut.deliver(self.sut.messages[-1], timedelta(), ())

    @precondition(lambda self: self.sut.messages)
    @rule(hit=hits, answer=answers)
    def newest_message_arrives(self, hit, answer):
        """Deliver the latest message, possibly with faults."""
        self.sut.provider.answer = answer
        self.sut.deliver(self.sut.messages[-1], timedelta(), hit)

    @precondition(lambda self: self._renders())
    @rule(which=which, skew=skews, hit=hits)
    def render_starts(self, which, skew, hit):
        """Run the step with the most calls to ports; any call can have a fault."""
        self.sut.deliver(_one_of(self._renders(), which), skew, hit)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, again=st.booleans(), skew=skews, hit=hits, answer=answers)
    def some_message_arrives(self, which, again, skew, hit, answer):
        """Deliver any message, possibly more than once: SQS guarantees no order and delivers at least once."""
        self.sut.provider.answer = answer
        self.sut.deliver(_one_of(self.sut.messages, which), skew, hit, again=again)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, sleep=sleeps, hit=hits)
    def worker_pauses_beyond_its_lease(self, which, sleep, hit):
        """Deliver the same message to another worker meanwhile."""
        message = _one_of(self.sut.messages, which)
        self.sut.deliver(message, timedelta(), (sleep,), again=True)
        self.sut.pass_time(POLICY.lease_duration)
        self.sut.deliver(message, timedelta(), hit, again=True)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, dead=st.booleans())
    def message_is_lost_or_dead_lettered(self, which, dead):
        """Lose a message, or move it to the dead-letter queue as if it had been received too often."""
        message = _one_of(self.sut.messages, which)
        self.sut.messages.remove(message)
        if dead:
            self.sut.dead_letters.append(message)

    @precondition(lambda self: self.sut.dead_letters)
    @rule(which=which, skew=skews, hit=hits)
    def dead_letter_is_processed(self, which, skew, hit):
        """Deliver a dead letter to the reconciler."""
        self.sut.bury(_one_of(self.sut.dead_letters, which), skew, hit)

    @rule(skew=skews, hit=hits)
    def sweep_runs(self, skew, hit):
        """Run the reconciler, also while an earlier run is paused."""
        self.sut.sweep(skew, hit)

    @precondition(lambda self: self.sut.sleepers)
    @rule(which=which)
    def paused_actor_resumes(self, which):
        """Resume a paused actor."""
        self.sut.wake(_one_of(self.sut.sleepers, which))

    @rule(seconds=passing)
    def time_passes(self, seconds):
        """Advance the clock of all machines."""
        self.sut.pass_time(timedelta(seconds=seconds))

    @precondition(lambda self: self._losable())
    @rule(which=which, cut=st.booleans())
    def stored_video_is_removed_or_truncated(self, which, cut):
        """Remove or truncate the video of a live job."""
        key = _one_of(self._losable(), which)
        content = self.sut.store.objects.pop(key)
        if cut:
            self.sut.store.objects[key] = content[:-1]

    @precondition(lambda self: len(self.sut.jobs.versions) < MOST_JOBS)
    @rule(status=st.sampled_from([JobStatus.QUEUED, JobStatus.PROCESSING]), duration=st.sampled_from([8, 8, 8, 0]))
    def express_server_leaves_a_job(self, status, duration):
        """Store an unfinished job as the Express server does, possibly one with an invalid duration."""
        left = {"next": None, "version": 0, "history": (), "outbox": (), "created_at": self.sut.clock.now()}
        self.sut.leave_express_job(a_job(status=status, duration=duration, **left))

    def teardown(self):
        """Assert that every job ends once no more faults happen."""
        if not hasattr(self, "sut"):
            return
        try:
            if not self.sut.is_broken:
                settle(self.sut)
        finally:
            for sleeper in self.sut.sleepers:
                sleeper.kill()

    def _control(self, job_id, actions, hit):
        for number, action in enumerate(actions):
            {Role.CANCEL: self.users.cancel, Role.RETRY: self.users.retry, Role.DELETE: self.users.delete}[action](
                job_id, () if number else hit
            )

    def _shown(self):
        return [job for job in self.sut.jobs.all() if job.deleted_at is None]

    def _renders(self):
        return [message for message in self.sut.messages if message.sent.step is Step.RENDER]

    def _losable(self):
        at_work = {sleeper.job_id for sleeper in self.sut.sleepers}
        live = [job for job in self.sut.jobs.all() if job.is_live and job.id not in at_work]
        keys = [f"videos/{job.id}/{job.attempt}.mp4" for job in live]
        return [key for key in keys if key in self.sut.store.objects]


def _one_of(things, which):
    return things[which % len(things)]
