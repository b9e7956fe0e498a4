"""The life of jobs as a state machine: every rule is something that happens in the world, in any order."""

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
"""A step makes eight calls to the outside, a render with its reports three times as many."""
uploads = st.integers(17, 21)
"""The last ones of a render."""
faults = st.builds(Fault, st.sampled_from(Hit), calls)
hits = st.one_of(st.just(()), st.tuples(faults), st.tuples(faults, faults))
sleeps = st.builds(Fault, st.sampled_from(sorted(PAUSES)), calls)
which = st.integers(0, 5)
skews = st.sampled_from([timedelta(), timedelta(), timedelta(), MOST_SKEW, -MOST_SKEW])
passing = st.sampled_from([1, 6, 26, 31, 61, 330, 660, 90_000])
answers = st.one_of(st.none(), st.sampled_from(Answer))
wishes = st.sampled_from(
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
"""What a user wants of a job, one after the other."""


class VideoJobsMachine(RuleBasedStateMachine):
    """Users ask, messages come in any order and number, everybody may crash or sleep, and time passes."""

    sut: SystemUnderTest

    @initialize(
        kind=st.sampled_from(ProviderKind),
        unknown_submit=st.sampled_from(UnknownSubmit),
        cap=st.sampled_from([1, 1, 2]),
    )
    def the_provider(self, kind, unknown_submit, cap):
        """A provider of one of the kinds that there are, so many places for each user, and a first job."""
        self.sut = SystemUnderTest(LedgerProvider(kind, unknown_submit), tell=note, check=check_jobs, cap=cap)
        self.users = Users(self.sut)
        self.users.ask(A_USER, None, "a cat", Priority.NORMAL, ())

    @precondition(lambda self: len(self.sut.jobs.versions) < MOST_JOBS)
    @rule(
        user=st.sampled_from([A_USER, A_USER, ANOTHER_USER]),
        key=st.sampled_from(["k", None]),
        body=st.sampled_from(["a cat", "a dog"]),
        lane=st.sampled_from([Priority.NORMAL, Priority.NORMAL, Priority.HIGH]),
        hit=hits,
    )
    def a_user_asks(self, user, key, body, lane, hit):
        """A request, perhaps for the second time."""
        self.users.ask(user, key, body, lane, hit)

    @precondition(lambda self: self._shown())
    @rule(which=which, wishes=wishes, hit=hits)
    def a_user_wants_something_else(self, which, wishes, hit):
        """Of a job of any status; and may change his mind at once."""
        self._wish(_one_of(self._shown(), which).id, wishes, hit)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, sleep=sleeps, wishes=wishes, answer=answers)
    def a_user_wants_something_else_while_a_worker_sleeps(self, which, sleep, wishes, answer):
        """Whatever the step, and whatever it was about to do."""
        message = _one_of(self.sut.messages, which)
        self.sut.provider.answer = answer
        self.sut.deliver(message, timedelta(), (sleep,))
        self._wish(message.sent.job_id, wishes, ())

    @precondition(lambda self: self._drawings())
    @rule(which=which, hit=st.sampled_from(sorted(PAUSES)), call=uploads, wishes=wishes)
    def a_user_wants_something_else_while_a_renderer_sleeps(self, which, hit, call, wishes):
        """Another worker is through with what comes next before the renderer goes on with its upload."""
        message = _one_of(self._drawings(), which)
        self.sut.deliver(message, timedelta(), (Fault(hit, call),))
        self._wish(message.sent.job_id, wishes, ())
        self.sut.pass_time(POLICY.lease_duration)
        if self.sut.messages:
            self.sut.deliver(self.sut.messages[-1], timedelta(), ())

    @precondition(lambda self: self.sut.messages)
    @rule(answers=st.lists(answers, min_size=1, max_size=4))
    def nothing_befalls_us_for_some_steps(self, answers):
        """Messages arrive as they are sent; what the provider does is another matter."""
        for answer in answers:
            if self.sut.messages:
                self.sut.provider.answer = answer
                self.sut.deliver(self.sut.messages[-1], timedelta(), ())

    @precondition(lambda self: self.sut.messages)
    @rule(hit=hits, answer=answers)
    def the_newest_message_arrives(self, hit, answer):
        """The straight way, for once."""
        self.sut.provider.answer = answer
        self.sut.deliver(self.sut.messages[-1], timedelta(), hit)

    @precondition(lambda self: self._drawings())
    @rule(which=which, skew=skews, hit=hits)
    def a_drawing_is_begun(self, which, skew, hit):
        """The step with the most calls to the outside, of which each may be hit."""
        self.sut.deliver(_one_of(self._drawings(), which), skew, hit)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, again=st.booleans(), skew=skews, hit=hits, answer=answers)
    def some_message_arrives(self, which, again, skew, hit, answer):
        """Whichever, whenever, how often: SQS promises no order, and at least once."""
        self.sut.provider.answer = answer
        self.sut.deliver(_one_of(self.sut.messages, which), skew, hit, again=again)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, sleep=sleeps, hit=hits)
    def a_worker_sleeps_through_its_lease(self, which, sleep, hit):
        """Another one gets the same message meanwhile."""
        message = _one_of(self.sut.messages, which)
        self.sut.deliver(message, timedelta(), (sleep,), again=True)
        self.sut.pass_time(POLICY.lease_duration)
        self.sut.deliver(message, timedelta(), hit, again=True)

    @precondition(lambda self: self.sut.messages)
    @rule(which=which, dead=st.booleans())
    def a_message_goes_astray(self, which, dead):
        """It is lost; or it was received too often, by workers that died or a poller that was throttled."""
        message = _one_of(self.sut.messages, which)
        self.sut.messages.remove(message)
        if dead:
            self.sut.dead_letters.append(message)

    @precondition(lambda self: self.sut.dead_letters)
    @rule(which=which, skew=skews, hit=hits)
    def a_dead_letter_is_buried(self, which, skew, hit):
        """The reconciler reads the dead-letter queue."""
        self.sut.bury(_one_of(self.sut.dead_letters, which), skew, hit)

    @rule(skew=skews, hit=hits)
    def a_sweep_runs(self, skew, hit):
        """Also a second one while the first sleeps."""
        self.sut.sweep(skew, hit)

    @precondition(lambda self: self.sut.sleepers)
    @rule(which=which)
    def a_sleeper_wakes(self, which):
        """And goes on as if nothing had happened."""
        self.sut.wake(_one_of(self.sut.sleepers, which))

    @rule(seconds=passing)
    def time_passes(self, seconds):
        """For everybody."""
        self.sut.pass_time(timedelta(seconds=seconds))

    @precondition(lambda self: self._losable())
    @rule(which=which, cut=st.booleans())
    def a_stored_video_is_gone_or_cut_short(self, which, cut):
        """Before anybody was told that it is there."""
        key = _one_of(self._losable(), which)
        content = self.sut.store.objects.pop(key)
        if cut:
            self.sut.store.objects[key] = content[:-1]

    @precondition(lambda self: len(self.sut.jobs.versions) < MOST_JOBS)
    @rule(status=st.sampled_from([JobStatus.QUEUED, JobStatus.PROCESSING]), duration=st.sampled_from([8, 8, 8, 0]))
    def the_express_server_left(self, status, duration):
        """A document of its own, unfinished; perhaps one that asks for what can't be made."""
        left = {"next": None, "version": 0, "history": (), "outbox": (), "created_at": self.sut.clock.now()}
        self.sut.leave_express_job(a_job(status=status, duration=duration, **left))

    def teardown(self):
        """Whatever happened: from now on nothing goes wrong, and every job must end."""
        if not hasattr(self, "sut"):
            return
        try:
            if not self.sut.is_broken:
                settle(self.sut)
        finally:
            for sleeper in self.sut.sleepers:
                sleeper.kill()

    def _wish(self, job_id, wishes, hit):
        for number, wish in enumerate(wishes):
            {Role.CANCEL: self.users.cancel, Role.RETRY: self.users.retry, Role.DELETE: self.users.delete}[wish](
                job_id, () if number else hit
            )

    def _shown(self):
        return [job for job in self.sut.jobs.all() if job.deleted_at is None]

    def _drawings(self):
        return [message for message in self.sut.messages if message.sent.step is Step.RENDER]

    def _losable(self):
        at_work = {sleeper.job_id for sleeper in self.sut.sleepers}
        live = [job for job in self.sut.jobs.all() if job.is_live and job.id not in at_work]
        keys = [f"videos/{job.id}/{job.attempt}.mp4" for job in live]
        return [key for key in keys if key in self.sut.store.objects]


def _one_of(things, which):
    return things[which % len(things)]
