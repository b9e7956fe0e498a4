"""A provider that only pretends, for frontend work: ready some seconds after the submit, without any pixels.

Everything about a task is in its `ref`, so that nothing has to be remembered: when it is ready, and whether it fails.
"""

import random
from pathlib import Path

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import JobId
from videojobs.ports.jobs import Clock
from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
    UnknownSubmit,
)

VIDEO_URL = "https://mock-videos.eirthlink.com/videos/{job_id}.mp4"
"""The platform's contract for simulated videos."""


class SimulatedProvider:
    """Ready `min_seconds` to `max_seconds` after the submit; a share `failure_rate` (0–1) of the attempts fails."""

    name = "simulated"
    capabilities = Capabilities(yields_pixels=False, can_cancel=True, unknown_submit=UnknownSubmit.REPEAT)

    def __init__(self, *, clock: Clock, min_seconds: float, max_seconds: float, failure_rate: float) -> None:
        """The clock decides when a task is ready."""
        self._clock = clock
        self._min_seconds, self._max_seconds, self._failure_rate = min_seconds, max_seconds, failure_rate

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Draw the fate from the token: the same token always has the same."""
        fate = random.Random(token)  # noqa: S311 - a simulation, not a secret
        seconds = fate.uniform(self._min_seconds, self._max_seconds)
        fails = fate.random() < self._failure_rate
        ready_at = self._clock.now().timestamp() + seconds
        return Submission(f"{request.job_id}:{'fails' if fails else 'ready'}@{ready_at:.3f}+{seconds:.3f}", seconds)

    def poll(self, ref: str) -> Generation:
        """Compare the clock with the ref."""
        task, _, times = ref.partition("@")
        job_id, _, outcome = task.rpartition(":")
        ready_at, seconds = map(float, times.split("+"))
        left = ready_at - self._clock.now().timestamp()
        if left > 0:
            return Generation(done=False, progress=1 - min(left / max(seconds, 0.001), 1), poll_after_seconds=left)
        if outcome == "fails":
            words = "The simulated provider failed, as it was told to now and then."
            raise ProviderError(FailureCode.PROVIDER_ERROR, words, transient=True)
        return Generation(done=True, progress=1, video_url=VIDEO_URL.format(job_id=job_id))

    def find(self, *, token: str) -> Submission | None:
        """The same as another submit: the token, which begins with the job's id, decides everything."""
        return self.submit(GenerationRequest(JobId(token.partition(":")[0]), prompt=""), token=token)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Nothing runs, so nothing has to stop."""
        return True

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:  # noqa: ARG002 - part of the protocol
        """Never asked for: there are no clips.

        Raises:
            ProviderError: always.
        """
        raise ProviderError(FailureCode.RESULT_LOST, "There is nothing to fetch.", transient=False)
