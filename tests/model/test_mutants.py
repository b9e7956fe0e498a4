"""The model bites: each of these bugs, put into a copy of the code, breaks a promise that the model then names."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

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


MUTANTS = [
    Mutant(
        "nothing but the step fences a write",
        FAKES + "jobs.py",
        "return job.status, step, job.lease and job.lease.token",
        "return job.status, job.next and job.next.id",
        "I5: a stale write landed",
    ),
    Mutant(
        "a claim does not compare next.id",
        FAKES + "jobs.py",
        "job is None or job.next is None or job.next.id != step_id",
        "job is None or job.next is None",
        "I5: a stale message did something",
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
        "if found is not None:",
        "if False:",
        "I3: an attempt was paid for twice",
    ),
    Mutant(
        "an unknown submit may go beyond the last attempt",
        SERVICES + "start_generation.py",
        "unknown_submit is UnknownSubmit.RESUBMIT and job.attempt >= policy.maximum_attempts",
        "False",
        "I3: more attempts than allowed",
    ),
    Mutant(
        "a retry is the same attempt",
        DOMAIN + "lifecycle.py",
        '"attempt": job.attempt + 1',
        '"attempt": job.attempt',
        "progress went back within an attempt|I3: an attempt was paid for twice|I1: ",
    ),
    Mutant(
        "attempts are not counted",
        DOMAIN + "lifecycle.py",
        "or job.attempt >= policy.maximum_attempts or",
        "or",
        "I3: more attempts than allowed",
    ),
    Mutant(
        "there is no deadline",
        DOMAIN + "lifecycle.py",
        "return job.is_live and job.started_at is not None and now >= job.started_at + policy.deadline",
        "return False",
        "I1: a job does not end in time|it never comes to rest",
    ),
    Mutant(
        "a pause may outlive the job",
        DOMAIN + "lifecycle.py",
        "due_at = min(job.next.due_at, job.started_at + policy.deadline)",
        "due_at = job.next.due_at",
        "I1: a job does not end in time",
    ),
    Mutant(
        "an outcome keeps the lease",
        DOMAIN + "lifecycle.py",
        '    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}\n    reason',
        '    ended = {"next": None, "expires_at": now + policy.retention}\n    reason',
        "an ended job has a next step or a lease",
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
        "            send_step(job, queue=queue, clock=clock)",
        "            pass",
        "I1: a job is never started",
    ),
    Mutant(
        "what was not announced stays so",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unannounced(clock.now() - GRACE, PAGE), announce)\n",
        "",
        "it never comes to rest",
    ),
    Mutant(
        "Express jobs are not adopted",
        SERVICES + "reconcile_jobs.py",
        "    _page_through(lambda: jobs.find_unadopted(clock.now() - GRACE, PAGE), adopt)\n",
        "",
        "I1: a job is never started",
    ),
    Mutant(
        "a dead letter is buried whatever became of its step",
        SERVICES + "reconcile_jobs.py",
        "job is None or job.next is None or job.next.id != step_id",
        "job is None or job.next is None",
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
def test_the_model_catches(mutant: Mutant, code: Path) -> None:
    file = code / mutant.file
    source = file.read_text()
    assert source.count(mutant.old) == 1, "the code has changed: say the mutant anew"
    file.write_text(source.replace(mutant.old, mutant.new))
    told = tell_stories(code)
    assert told.returncode != 0, f"nothing was noticed\n{told.stdout}"
    assert any(promise in told.stderr for promise in mutant.breaks.split("|")), told.stderr[-3000:]
