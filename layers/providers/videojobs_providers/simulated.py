"""Simulated video provider without video files, for work on the frontend.

The ref of a task contains when it is ready and whether it fails, so nothing is stored.
"""

import random
from pathlib import Path

from videojobs.adapters.offers.built_in import SIMULATED
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import JobId
from videojobs.ports.jobs import Clock
from videojobs.ports.videos import (
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
)

VIDEO_URL = "https://mock-videos.eirthlink.com/videos/{job_id}.mp4"
"""URL of simulated videos, defined by the platform."""


class SimulatedProvider:
    """Provider whose tasks are ready after a random time, and fail at random.

    Tasks take `min_seconds` to `max_seconds`, and a share `failure_rate` (0 to 1) of them fails.
    """

    name = "simulated"
    capabilities = SIMULATED

    def __init__(self, *, clock: Clock, min_seconds: float, max_seconds: float, failure_rate: float) -> None:
        """Keep the settings; `clock` determines when a task is ready."""
        self._clock = clock
        self._min_seconds, self._max_seconds, self._failure_rate = min_seconds, max_seconds, failure_rate

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Return a task whose duration and outcome are derived from the token; repeats have the same duration."""
        rng = random.Random(token)  # noqa: S311 - a simulation, not a secret
        seconds = rng.uniform(self._min_seconds, self._max_seconds)
        fails = rng.random() < self._failure_rate
        ready_at = self._clock.now().timestamp() + seconds
        return Submission(f"{request.job_id}:{'fails' if fails else 'ready'}@{ready_at:.3f}+{seconds:.3f}", seconds)

    def poll(self, ref: str) -> Generation:
        """Return the task's progress, or its video URL when its time has passed.

        Raises:
            ProviderError: If the time has passed and the task fails.
        """
        task, _, times = ref.partition("@")
        job_id, _, outcome = task.rpartition(":")
        ready_at, seconds = map(float, times.split("+"))
        left = ready_at - self._clock.now().timestamp()
        if left > 0:
            return Generation(done=False, progress=1 - min(left / max(seconds, 0.001), 1), poll_after_seconds=left)
        if outcome == "fails":
            message = "The simulated provider failed, as configured. Try again."
            raise ProviderError(FailureCode.PROVIDER_ERROR, message, transient=True)
        return Generation(done=True, progress=1, video_url=VIDEO_URL.format(job_id=job_id))

    def find(self, *, token: str) -> Submission | None:
        """Submit the task again and return it, never None. The token determines its duration and outcome."""
        return self.submit(GenerationRequest(JobId(token.partition(":")[0]), prompt=""), token=token)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True, because no work runs."""
        return True

    def discard(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True: there are no files."""
        return True

    def fetch(
        self,
        ref: str,  # noqa: ARG002 - part of the protocol
        path: Path,  # noqa: ARG002
        on_progress: ReportProgress,  # noqa: ARG002
        *,
        maximum_bytes: int,  # noqa: ARG002
    ) -> None:
        """Raise an error; never called, because this provider has no clips.

        Raises:
            ProviderError: Always.
        """
        raise ProviderError(FailureCode.RESULT_LOST, "The simulated provider has no video files.", transient=False)
