"""A provider that only pretends, for frontend work: ready some seconds after the submit, without any pixels.

Everything about a task is in its `ref`, so that nothing has to be remembered: when it is ready, and whether it fails.
"""

import random

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import VideoJob
from videojobs.ports.jobs import Clock
from videojobs.ports.videos import Capabilities, Generation, Submission, UnknownSubmit

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

    def submit(self, job: VideoJob, *, token: str) -> Submission:  # noqa: ARG002 - part of the protocol
        """Draw the fate from the token: the same token always has the same."""
        fate = random.Random(token)  # noqa: S311 - a simulation, not a secret
        seconds = fate.uniform(self._min_seconds, self._max_seconds)
        fails = fate.random() < self._failure_rate
        ready_at = self._clock.now().timestamp() + seconds
        return Submission(f"{'fails' if fails else 'ready'}@{ready_at:.3f}+{seconds:.3f}", seconds)

    def poll(self, job: VideoJob, ref: str) -> Generation:
        """Compare the clock with the ref."""
        outcome, _, times = ref.partition("@")
        ready_at, seconds = map(float, times.split("+"))
        left = ready_at - self._clock.now().timestamp()
        if left > 0:
            return Generation(done=False, progress=1 - min(left / max(seconds, 0.001), 1), poll_after_seconds=left)
        if outcome == "fails":
            words = "The simulated provider failed, as it was told to now and then."
            raise ProviderError(FailureCode.PROVIDER_ERROR, words, transient=True)
        return Generation(done=True, progress=1, video_url=VIDEO_URL.format(job_id=job.id))

    def find(self, job: VideoJob, *, token: str) -> Submission | None:
        """The same as another submit: the token decides everything."""
        return self.submit(job, token=token)

    def cancel(self, job: VideoJob, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Nothing runs, so nothing has to stop."""
        return True
