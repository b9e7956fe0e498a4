"""Time from POST until a video of the sketch is completed, with cold and with warm functions."""

import time
from dataclasses import dataclass
from statistics import median

from bench.figures import Figure, MeasurementError, Section
from bench.paths import cloud_config
from bench.services import bench_processes
from localcloud.api_client import ApiClient
from localcloud.config import CloudConfig
from localcloud.processes import end_processes, find_processes
from localcloud.servers import AWS
from localcloud.stack import Stack
from localcloud.system import bring_up

_FIRST_SECONDS, _WARM_SECONDS = 5, 3
_PROGRESS_SECONDS = 1
_POLL_SECONDS = 0.1
_END_SECONDS = 90
_GRACE_SECONDS = 5
_BODY = {
    "prompt": "A paper boat sails through a thunderstorm of confetti",
    "style": "fun",
    "duration": 8,
    "aspectRatio": "16:9",
}
_VIDEO = "a video of 8 s"


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds from the beginning of the request, as a client sees them."""

    processing: float
    progress: float
    """Time until progress above 0 is reported."""
    completed: float


def measure_videos(*, cold: int, warm: int) -> Section:
    """Start a separate local system, make videos with cold and warm functions, and return a table of the median times.

    The first `cold` videos each start all functions again, including the API's.

    Raises:
        MeasurementError: If a job does not complete within 90 seconds.
        LocalCloudError: If the system does not start, or the API rejects a request.
        OSError: If the API does not respond.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
    """
    config = cloud_config()
    with bench_processes():
        stack = bring_up(config)
        first = []
        for _ in range(cold):
            _end_functions(config)
            first.append(_make_video(stack))
        later = [_make_video(stack) for _ in range(warm)]
    cold_seconds, warm_seconds = (median(times.completed for times in group) for group in (first, later))
    progress = median(times.progress - times.processing for times in later)
    return Section(
        title="From POST to the video",
        method=(
            f"Median of {cold} videos with cold functions, then of {warm} with warm ones, one after another on the "
            f"deployed local stack: 8 s of 1280×720. A client asks for the job every {_POLL_SECONDS} s."
        ),
        figures=[
            _figure(f"{_VIDEO}, all functions cold: POST → completed", cold_seconds, _FIRST_SECONDS),
            _figure(f"{_VIDEO}, warm: POST → completed", warm_seconds, _WARM_SECONDS),
            _figure("warm: `processing` → first progress", progress, _PROGRESS_SECONDS),
        ],
    )


def _figure(name: str, seconds: float, maximum: float) -> Figure:
    return Figure(name, f"{seconds:.1f} s", f"≤ {maximum} s", reached=seconds <= maximum)


def _end_functions(config: CloudConfig) -> None:
    """End all execution environments, so that the next call of each function is a cold start."""
    environments = [process for process in find_processes(config.state) if process.role == AWS and process.function]
    end_processes(environments, grace_seconds=_GRACE_SECONDS)


def _make_video(stack: Stack) -> _Times:
    client = ApiClient(stack)
    started = time.monotonic()
    job_id = client.submit_job(_BODY)
    reached: dict[str, float] = {}
    while "completed" not in reached:
        job, now = client.read_job(job_id), time.monotonic() - started
        if job["status"] in {"failed", "cancelled"} or now > _END_SECONDS:
            raise MeasurementError(f"Job {job_id} is {job['status']} after {now:.0f} s: {job['errorMessage']}")
        if job["status"] != "queued":
            reached.setdefault("processing", now)
        if job["status"] == "completed" or (job.get("progress") or 0) > 0:
            reached.setdefault("progress", now)
        reached.setdefault(job["status"], now)
        time.sleep(_POLL_SECONDS)
    return _Times(reached["processing"], reached["progress"], reached["completed"])
