"""Mutants of the code that the model runs. Each violates an invariant, and the model must report it.

`make test` runs a sample of the mutants, `make test-long` all of them.
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
HISTORIES = 3000
"""Histories per mutant. Most mutants are detected within a hundred."""

DOMAIN = "layers/common/videojobs/domain/"
SERVICES = "layers/common/videojobs/services/"
FAKES = "tests/fakes/"


@dataclass(frozen=True)
class Mutant:
    """One change of the code, and the messages of the invariants that it violates, separated by `|`."""

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
        "a write is fenced by the step only",
        FAKES + "jobs.py",
        "return job.status, job.attempt, step, job.lease and job.lease.token",
        "return job.status, job.next and job.next.id",
        "I5: a stale write was applied|the deadline was postponed",
    ),
    Mutant(
        "a claim does not compare next.id",
        FAKES + "jobs.py",
        "job is None or job.next is None or job.next.id != step_id",
        "job is None or job.next is None",
        "I5: a stale message claimed a step|a job is not scheduled and does not wait",
    ),
    Mutant(
        "a claim ignores a live lease",
        FAKES + "jobs.py",
        "            if not _is_free(job, now):\n                return None\n",
        "",
        "I5: two workers run one step",
    ),
    Mutant(
        "the sweep ignores a live lease",
        FAKES + "jobs.py",
        "entry[1] < due_before and _is_free(entry[2], now)",
        "entry[1] < due_before",
        "I5: the reconciler wrote during a live lease",
    ),
    Mutant(
        "no unique index on idempotency keys",
        FAKES + "jobs.py",
        "                raise IdempotencyKeyTaken\n",
        "                pass\n",
        "one key created two jobs",
    ),
    Mutant(
        "an intent without a ref is ignored",
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
        "an existing task is not looked up",
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
        "I1: a job does not end in time|the system never settles",
    ),
    Mutant(
        "a pause may exceed the deadline",
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
        "a lease without a next step",
    ),
    Mutant(
        "progress goes back",
        DOMAIN + "lifecycle.py",
        "reached = max(job.progress or 0.0, (progress or 0.0) * share)",
        "reached = (progress or 0.0) * share",
        "progress went back within an attempt",
    ),
    Mutant(
        "a change creates no new version",
        DOMAIN + "lifecycle.py",
        "return after if reached == job.progress else after.changed(now, progress=reached)",
        "return replace(after, progress=reached)",
        "changed without a new version",
    ),
    Mutant(
        "the stored video is not checked",
        SERVICES + "run_step.py",
        "output is not None and store.size(output.video) == output.video.size_bytes",
        "output is not None",
        "I4: the video is missing or incomplete",
    ),
    Mutant(
        "the sweep sends nothing",
        SERVICES + "reconcile_jobs.py",
        "            dispatcher.send_step(job)",
        "            pass",
        "I1: a job is never started|the system never settles",
    ),
    Mutant(
        "unpublished changes are not published",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unannounced(now() - GRACE, PAGE), _in_job_trace(sweep.announce))\n",
        "",
        "the system never settles",
    ),
    Mutant(
        "Express jobs are not adopted",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unadopted(now() - GRACE, PAGE), _in_job_trace(sweep.adopt))\n",
        "",
        "I1: a job is never started",
    ),
    Mutant(
        "a dead letter fails its job",
        SERVICES + "reconcile_jobs.py",
        "    return _Sweep(dispatcher).rescue(job)\n",
        "    failed = lifecycle.fail(job, lifecycle.INTERNAL_FAILURE, now, dispatcher.policy) if job.is_live else job\n"
        "    return dispatcher.jobs.save(job, failed)\n",
        "untrue: the job failed with internal_error",
    ),
    Mutant(
        "a dead letter of an earlier step changes the job",
        SERVICES + "reconcile_jobs.py",
        "job.next is None or job.next.id != step_id or job.next.due_at > now",
        "job.next is None or job.next.due_at > now",
        "I5: a stale dead letter changed a job",
    ),
    Mutant(
        "a dead letter changes a job with a live lease",
        SERVICES + "reconcile_jobs.py",
        "    if job.lease is not None and job.lease.until > now:\n        return False\n",
        "",
        "I5: the reconciler wrote during a live lease",
    ),
    Mutant(
        "a cancel that loses a race is reported as successful",
        SERVICES + "cancel_job.py",
        "        except LeaseLost:\n            continue\n        dispatcher.dispatch(cancelled)\n",
        "        except LeaseLost:\n            cancelled = lifecycle.cancel(job, job.updated_at, dispatcher.policy)\n"
        "        dispatcher.dispatch(cancelled)\n",
        "untrue: a job was reported as cancelled|I6: a change was published under two IDs",
    ),
    Mutant(
        "a cancel of an ended job is reported as successful",
        SERVICES + "cancel_job.py",
        "if not job.is_live:\n            raise JobConflict",
        "if not job.is_live:\n            return job\n            raise JobConflict",
        "untrue: a job was reported as cancelled",
    ),
    Mutant(
        "a cancelled job gets no clean-up",
        DOMAIN + "lifecycle.py",
        "NextStep.new(Step.CLEAN_UP, due_at) if begun else None",
        "None",
        "I8: ",
    ),
    Mutant(
        "only a job in processing counts as started",
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
        "I8: the provider continues a cancelled job",
    ),
    Mutant(
        "a clean-up does not cancel at the provider",
        SERVICES + "clean_up.py",
        "        cancel_at_provider(run, providers=providers)\n",
        "        pass\n",
        "I8: the provider continues a cancelled job",
    ),
    Mutant(
        "a clean-up leaves the files",
        SERVICES + "clean_up.py",
        "    store.remove(run.object_keys)\n",
        "",
        "I8: files of a cancelled or deleted job remain",
    ),
    Mutant(
        "a renderer that lost its lease leaves its files",
        SERVICES + "render_video.py",
        "        _discard(work.job, jobs=dispatcher.jobs, store=store)\n",
        "",
        "I8: files of a cancelled or deleted job remain",
    ),
    Mutant(
        "a clean-up ignores a deletion",
        SERVICES + "clean_up.py",
        "    if job.deleted_at is None:\n",
        "    if True:\n",
        "the system never settles",
    ),
    Mutant(
        "a deletion during a clean-up does not reschedule it",
        DOMAIN + "lifecycle.py",
        "return replace(job, next=job.next._replace(due_at=due_at), deleted_at=now)",
        "return replace(job, deleted_at=now)",
        "the system never settles|I8: a live job was removed",
    ),
    Mutant(
        "slots are never compared with jobs",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: slots.find_unchecked(now() - CHECK_EVERY, PAGE), sweep.check)\n",
        "",
        "the system never settles|I1: a job is never started",
    ),
    Mutant(
        "waiting jobs are never admitted",
        SERVICES + "job_dispatcher.py",
        "                admitted = self.commit(job, lifecycle.admit(job, now))",
        "                raise LeaseLost",
        "the system never settles|I1: a job is never started",
    ),
    Mutant(
        "a waiting job is admitted without a slot",
        SERVICES + "job_dispatcher.py",
        "            if not self.slots.acquire_waiting(user_id, priority, job.id, now):\n                return\n",
        "",
        "I7: a user has more active jobs than slots",
    ),
    Mutant(
        "the number of slots is unlimited",
        FAKES + "slots.py",
        "free = 0 if slots.waiting_at else self.cap - len(slots.active)",
        "free = 99",
        "I7: a user holds more slots than allowed",
    ),
    Mutant(
        "the number of waiting jobs is unlimited",
        FAKES + "slots.py",
        "if excess and len(waiting) > self.maximum_waiting:",
        "if False:",
        "I7: more jobs of a user wait than allowed",
    ),
    Mutant(
        "a job that was never stored waits for ever",
        SERVICES + "job_dispatcher.py",
        "held._replace(active=active, waiting=(*waiting, *new))",
        "held._replace(active=active)",
        "the system never settles",
    ),
    Mutant(
        "a retry needs no slot",
        SERVICES + "retry_job.py",
        "(queued,) = dispatcher.acquire_slots([after])",
        "queued = after",
        "I7: a user has more active jobs than slots",
    ),
    Mutant(
        "a lost response to a progress report is ignored",
        SERVICES + "render_video.py",
        "            self.job = replace(after, outbox=self.job.outbox)\n",
        "",
        "changed without a new version|I6: a change was published under two IDs",
    ),
]


def run_model(code: Path) -> subprocess.CompletedProcess[str]:
    """Run the model on this copy of the code in a separate process. It stops at the first violation."""
    command = [sys.executable, "-m", "tests.model.chaos", "--seed", str(SEED), "--minutes", "0", "--no-shrink"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{code}:{code / 'layers/common'}"}
    return subprocess.run(
        [*command, "--histories", str(HISTORIES)],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a copy of the code that the model runs."""
    skipped = ignore_patterns("__pycache__", "adapters", "edge", "test_*.py")
    for folder in ("layers/common/videojobs", "tests/fakes", "tests/model"):
        copytree(ROOT / folder, tmp_path / folder, ignore=skipped)
    (tmp_path / "tests/builders.py").write_text((ROOT / "tests/builders.py").read_text())
    return tmp_path


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_changes_one_place_and_compiles(mutant: Mutant) -> None:
    compile(mutant.apply((ROOT / mutant.file).read_text()), mutant.file, "exec")


@pytest.mark.parametrize("mutant", SAMPLING.draw(MUTANTS), ids=lambda mutant: mutant.name)
def test_model_detects_each_mutant(mutant: Mutant, code: Path) -> None:
    file = code / mutant.file
    file.write_text(mutant.apply(file.read_text()))
    process = run_model(code)
    assert process.returncode != 0, f"the mutant was not detected\n{process.stdout}"
    assert any(message in process.stderr for message in mutant.breaks.split("|")), process.stderr[-3000:]
