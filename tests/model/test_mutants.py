"""Mutants of the code that the model runs: each breaks an invariant, and the model must name it.

`make test` runs a sample of them, `make test-long` all.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from tests.sampling import SAMPLING

ROOT = Path(__file__).parents[2]
SEED = 0
STORIES = 3000
"""Most are caught within a hundred."""

DOMAIN = "layers/common/videojobs/domain/"
SERVICES = "layers/common/videojobs/services/"
FAKES = "tests/fakes/"


@dataclass(frozen=True)
class Mutant:
    """One change of the code, and the promise that it breaks."""

    name: str
    file: str
    old: str
    new: str
    breaks: str

    def apply(self, source: str) -> str:
        """Return the changed source of `file`."""
        assert source.count(self.old) == 1, f"{self.file} has changed: adapt this mutant"
        return source.replace(self.old, self.new)


MUTANTS = [
    Mutant(
        "nothing but the step fences a write",
        FAKES + "jobs.py",
        "return job.status, job.attempt, step, job.lease and job.lease.token",
        "return job.status, job.next and job.next.id",
        "I5: a stale write landed",
    ),
    Mutant(
        "a claim does not compare next.id",
        FAKES + "jobs.py",
        "job is None or job.next is None or job.next.id != step_id",
        "job is None or job.next is None",
        "I5: a stale message did something|a job is due at no time and does not wait",
    ),
    Mutant(
        "a claim ignores a live lease",
        FAKES + "jobs.py",
        "            if not _is_free(job, now):\n                return None\n",
        "",
        "I5: two work on one step",
    ),
    Mutant(
        "the sweep ignores a live lease",
        FAKES + "jobs.py",
        "entry[1] < due_before and _is_free(entry[2], now)",
        "entry[1] < due_before",
        "I5: the reconciler wrote while somebody worked",
    ),
    Mutant(
        "no unique index on idempotency keys",
        FAKES + "jobs.py",
        "                raise IdempotencyKeyTaken\n",
        "                pass\n",
        "one key made two jobs",
    ),
    Mutant(
        "an intent without a ref is taken for none",
        SERVICES + "start_generation.py",
        "return job.provider is not None and job.provider.ref is None",
        "return False",
        "I3: an attempt was paid for twice",
    ),
    Mutant(
        "an unknown submit is submitted again in the same attempt",
        SERVICES + "start_generation.py",
        "job = replace(job, attempt=job.attempt + 1)",
        "pass",
        "I3: an attempt was paid for twice",
    ),
    Mutant(
        "a task that was made is not looked for",
        SERVICES + "start_generation.py",
        "if submission is not None:",
        "if False:",
        "I3: an attempt was paid for twice",
    ),
    Mutant(
        "an unknown submit may go beyond the last attempt",
        SERVICES + "start_generation.py",
        "unknown_submit is UnknownSubmit.RESUBMIT and not lifecycle.attempts_left(job, policy)",
        "False",
        "I3: more attempts than allowed",
    ),
    Mutant(
        "another attempt is the same attempt",
        DOMAIN + "lifecycle.py",
        '        "attempt": job.attempt + 1,\n',
        '        "attempt": job.attempt,\n',
        "progress went back within an attempt|I3: an attempt was paid for twice|I1: ",
    ),
    Mutant(
        "attempts are not counted",
        DOMAIN + "lifecycle.py",
        "or not attempts_left(job, policy) or",
        "or",
        "I3: more attempts than allowed",
    ),
    Mutant(
        "there is no deadline",
        DOMAIN + "deadlines.py",
        "return job.is_live and job.started_at is not None and now >= job.started_at + policy.deadline",
        "return False",
        "I1: a job does not end in time|it never comes to rest",
    ),
    Mutant(
        "a pause may outlive the job",
        DOMAIN + "deadlines.py",
        "due_at = min(job.next.due_at, job.started_at + policy.deadline)",
        "due_at = job.next.due_at",
        "I1: a job does not end in time",
    ),
    Mutant(
        "an outcome keeps the lease",
        DOMAIN + "lifecycle.py",
        '    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}\n    reason',
        '    ended = {"next": None, "expires_at": now + policy.retention}\n    reason',
        "a lease on nothing",
    ),
    Mutant(
        "progress goes back",
        DOMAIN + "lifecycle.py",
        "reached = max(job.progress or 0.0, (progress or 0.0) * share)",
        "reached = (progress or 0.0) * share",
        "progress went back within an attempt",
    ),
    Mutant(
        "a change brings no new version",
        DOMAIN + "lifecycle.py",
        "return after if reached == job.progress else after.changed(now, progress=reached)",
        "return replace(after, progress=reached)",
        "changed without a new version",
    ),
    Mutant(
        "the stored video is not looked at",
        SERVICES + "run_step.py",
        "output is not None and store.size(output.video) == output.video.size_bytes",
        "output is not None",
        "I4: the video is not there, or not whole",
    ),
    Mutant(
        "the sweep sends nothing",
        SERVICES + "reconcile_jobs.py",
        "            dispatcher.send_step(job)",
        "            pass",
        "I1: a job is never started|it never comes to rest",
    ),
    Mutant(
        "what was not announced stays so",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unannounced(now() - GRACE, PAGE), _in_job_trace(sweep.announce))\n",
        "",
        "it never comes to rest",
    ),
    Mutant(
        "Express jobs are not adopted",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unadopted(now() - GRACE, PAGE), _in_job_trace(sweep.adopt))\n",
        "",
        "I1: a job is never started",
    ),
    Mutant(
        "a dead letter is buried whatever became of its step",
        SERVICES + "reconcile_jobs.py",
        "job.next is None or job.next.step is Step.CLEAN_UP or job.next.id != step_id",
        "job.next is None or job.next.step is Step.CLEAN_UP",
        "I5: a stale dead letter was buried",
    ),
    Mutant(
        "a dead letter is buried while somebody works",
        SERVICES + "reconcile_jobs.py",
        "    if job.lease is not None and job.lease.until > now:\n        return False\n",
        "",
        "I5: the reconciler wrote while somebody worked",
    ),
    Mutant(
        "whoever cancels is told yes",
        SERVICES + "cancel_job.py",
        "        except LeaseLost:\n            continue\n        dispatcher.dispatch(cancelled)\n",
        "        except LeaseLost:\n            cancelled = lifecycle.cancel(job, job.updated_at, dispatcher.policy)\n"
        "        dispatcher.dispatch(cancelled)\n",
        "untrue: a job was said to be cancelled|I6: a change was announced under two ids",
    ),
    Mutant(
        "whoever cancels a job that has ended is told yes",
        SERVICES + "cancel_job.py",
        "if not job.is_live:\n            raise JobConflict",
        "if not job.is_live:\n            return job\n            raise JobConflict",
        "untrue: a job was said to be cancelled",
    ),
    Mutant(
        "a cancelled job is at rest at once",
        DOMAIN + "lifecycle.py",
        "NextStep.new(Step.CLEAN_UP, due_at) if begun else None",
        "None",
        "I8: ",
    ),
    Mutant(
        "only a job in processing has begun",
        DOMAIN + "lifecycle.py",
        "begun = job.provider is not None or job.production is not None or job.attempt > 1",
        "begun = job.status is JobStatus.PROCESSING",
        "I8: ",
    ),
    Mutant(
        "a retried job starts before its clean-up",
        DOMAIN + "lifecycle.py",
        "    if job.next is None:\n        fresh |=",
        "    if True:\n        fresh |=",
        "I8: the provider goes on with a cancelled job",
    ),
    Mutant(
        "a clean-up stops nothing at the provider",
        SERVICES + "clean_up.py",
        "        cancel_at_provider(run, providers=providers)\n",
        "        pass\n",
        "I8: the provider goes on with a cancelled job",
    ),
    Mutant(
        "a clean-up leaves the files",
        SERVICES + "clean_up.py",
        "    store.remove(run.object_keys)\n",
        "",
        "I8: files of a cancelled or deleted job stay",
    ),
    Mutant(
        "a renderer that was too late leaves its files",
        SERVICES + "render_video.py",
        "        _discard(work.job, jobs=dispatcher.jobs, store=store)\n",
        "",
        "I8: files of a cancelled or deleted job stay",
    ),
    Mutant(
        "a clean-up does not know of a deletion",
        SERVICES + "clean_up.py",
        "    if job.deleted_at is None:\n",
        "    if True:\n",
        "it never comes to rest",
    ),
    Mutant(
        "a deletion in the middle of a clean-up is not seen",
        DOMAIN + "lifecycle.py",
        "return replace(job, next=replace(job.next, due_at=due_at), deleted_at=now)",
        "return replace(job, deleted_at=now)",
        "it never comes to rest|I8: a live job was removed",
    ),
    Mutant(
        "nobody compares shares and jobs",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: slots.find_unchecked(now() - CHECK_EVERY, PAGE), sweep.check)\n",
        "",
        "it never comes to rest|I1: a job is never started",
    ),
    Mutant(
        "an end lets nobody in, and nor does a comparison",
        SERVICES + "job_dispatcher.py",
        "                admitted = self.commit(job, lifecycle.admit(job, now))",
        "                raise LeaseLost",
        "it never comes to rest|I1: a job is never started",
    ),
    Mutant(
        "whoever waits is let in without a place",
        SERVICES + "job_dispatcher.py",
        "            if not self.slots.acquire_waiting(user_id, priority, job.id, now):\n                return\n",
        "",
        "I7: a user has more active jobs than places",
    ),
    Mutant(
        "a share has no cap",
        FAKES + "slots.py",
        "room = 0 if slots.waiting_at else self.cap - len(slots.active)",
        "room = 99",
        "I7: a share has more jobs than places",
    ),
    Mutant(
        "a retry needs no place",
        SERVICES + "retry_job.py",
        "(queued,) = dispatcher.acquire_slots([after])",
        "queued = after",
        "I7: a user has more active jobs than places",
    ),
    Mutant(
        "a lost answer to a report is forgotten",
        SERVICES + "render_video.py",
        "            self.job = replace(after, outbox=self.job.outbox)\n",
        "",
        "changed without a new version|I6: a change was announced under two ids",
    ),
]


def tell_stories(code: Path) -> subprocess.CompletedProcess[str]:
    """The model, in a process of its own, on that copy of the code; it stops at the first broken promise."""
    command = [sys.executable, "-m", "tests.model.chaos", "--seed", str(SEED), "--minutes", "0", "--no-shrink"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{code}:{code / 'layers/common'}"}
    return subprocess.run(
        [*command, "--stories", str(STORIES)],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of what the model runs on."""
    skipped = ignore_patterns("__pycache__", "adapters", "edge", "test_*.py")
    for folder in ("layers/common/videojobs", "tests/fakes", "tests/model"):
        copytree(ROOT / folder, tmp_path / folder, ignore=skipped)
    (tmp_path / "tests/builders.py").write_text((ROOT / "tests/builders.py").read_text())
    return tmp_path


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_changes_one_place_and_compiles(mutant: Mutant) -> None:
    compile(mutant.apply((ROOT / mutant.file).read_text()), mutant.file, "exec")


@pytest.mark.parametrize("mutant", SAMPLING.draw(MUTANTS), ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, code: Path) -> None:
    file = code / mutant.file
    file.write_text(mutant.apply(file.read_text()))
    told = tell_stories(code)
    assert told.returncode != 0, f"nothing was noticed\n{told.stdout}"
    assert any(promise in told.stderr for promise in mutant.breaks.split("|")), told.stderr[-3000:]
