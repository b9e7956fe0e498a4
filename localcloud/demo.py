"""Demonstration in the terminal: create a video job as a user, follow it and download the video."""

import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from localcloud.api_client import ApiClient, download
from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.progress import console
from localcloud.stack import Stack
from videojobs_media.inspect import inspect_video

_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 300.0
_BAR_WIDTH = 40
_LINE_WIDTH = 30  # of the status line without its bar
_ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Request for a video."""

    prompt: str
    style: str
    duration: float
    aspect_ratio: str

    def as_body(self) -> dict[str, object]:
        """Return the body of the API request."""
        return {
            "prompt": self.prompt,
            "style": self.style,
            "duration": self.duration,
            "aspectRatio": self.aspect_ratio,
        }


def run_demo(config: CloudConfig, stack: Stack, wish: Wish) -> Path:
    """Create a video from a prompt, show the job's status until it ends, and save the video under `out/`.

    Return the path of the video. A provider that only pretends to make videos returns a URL that is not downloaded; the
    file then does not exist.

    Raises:
        LocalCloudError: If the API rejects a request, the job fails or is cancelled, or it does not end within 300 s.
        OSError: If the API does not respond, or the download fails.
        ProviderError: If the downloaded file is not a video.
    """
    console.print(
        f"\n  [bold]“{escape(wish.prompt)}”[/bold]  [dim]{wish.style}, {wish.duration:g} s, {wish.aspect_ratio}[/dim]\n"
    )
    client = ApiClient(stack)
    started = time.monotonic()
    job_id = client.submit_job(wish.as_body())
    job = _follow(client, job_id)
    if job["status"] != "completed":
        raise LocalCloudError(f"Job {job_id} {job['status']}: {job['errorMessage']}\nSee:  make logs")
    path = config.root / "out" / f"{job_id}.mp4"
    if urllib.parse.urlsplit(job["videoUrl"]).hostname != config.host:
        message = f"\nThe provider returned the URL {job['videoUrl']}. This system stored no video to download."
        console.print(message, markup=False)
        return path
    download(job["videoUrl"], path)
    _print_facts(path, config.root, time.monotonic() - started)
    _print_hints(stack, job_id)
    return path


def _follow(client: ApiClient, job_id: str) -> dict[str, Any]:
    """Show the status of the job until it ends, and return the job."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with _status_line(job_id) as show:
        while time.monotonic() < deadline:
            job = client.read_job(job_id)
            show(job)
            if job["status"] in _ENDED:
                return job
            time.sleep(_POLL_SECONDS)
    raise LocalCloudError(f"Job {job_id} is still {job['status']} after {_PATIENCE_SECONDS:.0f} s. See:  make logs")


class _Lines:
    """Plain lines: one for each change of the status."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._last = ""

    def __call__(self, job: dict[str, Any]) -> None:
        percent = int((job.get("progress") or 0) * 10) * 10
        status = job["status"] + (f" {percent} %" if job["status"] == "processing" else "")
        if status != self._last:
            self._last = status
            console.print(f"job {self._job_id}  {status}")


class _Bar:
    """Status line with a progress bar that is redrawn in place."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1.0, status="queued")

    def __call__(self, job: dict[str, Any]) -> None:
        done = 1.0 if job["status"] == "completed" else float(job.get("progress") or 0)
        self._progress.update(self._task, completed=done, status=job["status"])


@contextmanager
def _status_line(job_id: str) -> Iterator[_Bar | _Lines]:
    """Yield a function that shows a job's status: in place on a terminal, else as lines."""
    if not sys.stdout.isatty():
        yield _Lines(job_id)
        return
    columns = (
        TextColumn("[cyan]{task.fields[status]:<10}[/cyan]"),
        BarColumn(bar_width=max(min(_BAR_WIDTH, console.width - _LINE_WIDTH), 1)),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    console.print(f"job {job_id}")
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)


def _print_facts(path: Path, root: Path, seconds: float) -> None:
    facts = inspect_video(path)
    console.print(f"\n[green]✓[/green] [bold]{path.relative_to(root)}[/bold]  [dim]made in {seconds:.1f} s[/dim]")
    console.print(
        f"  {facts.width}×{facts.height}, {facts.seconds:.2f} s, {facts.frames} frames, "
        f"{facts.codec} {facts.pixel_format}, {facts.size_bytes / 1e6:.1f} MB"
    )


def _print_hints(stack: Stack, job_id: str) -> None:
    call = f'curl --cookie "{stack.cookie_name}=$(make -s token)" {stack.api_url}/api/videos'
    body = '{"prompt": "A lighthouse hums to the moon", "style": "calm", "duration": 6, "aspectRatio": "9:16"}'
    console.print("\nThe system is still running. Next steps:", style="bold")
    console.print("  Show the logs:    make logs")
    console.print("  Stop the system:  make down")
    console.print("  Make another video:\n    make demo PROMPT='A lighthouse hums to the moon' STYLE=calm RATIO=9:16")
    console.print(f"  Read this job with curl:\n    {call}/{job_id}", markup=False)
    console.print(f"  Create a job with curl:\n    {call}/generate --json '{body}'", markup=False)
