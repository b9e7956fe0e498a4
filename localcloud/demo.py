"""What a user does, in the terminal: sign in, ask for a video, watch it come, hold it in one's hand."""

import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from localcloud.api_client import ApiClient, download
from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.progress import console
from localcloud.stack import Stack
from videojobs.adapters.media.inspect import inspect_video

_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 300.0
_ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask for."""

    prompt: str
    style: str
    duration: float
    aspect_ratio: str

    def as_body(self) -> dict[str, object]:
        """The wish as the API takes it."""
        return {
            "prompt": self.prompt,
            "style": self.style,
            "duration": self.duration,
            "aspectRatio": self.aspect_ratio,
        }


def run_demo(config: CloudConfig, stack: Stack, wish: Wish) -> Path:
    """Turn a prompt into a video and return where it is saved.

    Raises:
        LocalCloudError: the job failed, or took unreasonably long.
    """
    console.print(
        f"\n  [bold]“{wish.prompt}”[/bold]  [dim]{wish.style}, {wish.duration:g} s, {wish.aspect_ratio}[/dim]\n"
    )
    client = ApiClient(stack)
    begun = time.monotonic()
    job_id = client.submit_job(wish.as_body())
    job = _follow(client, job_id)
    if job["status"] != "completed":
        raise LocalCloudError(f"Job {job_id} {job['status']}: {job['errorMessage']}\nSee:  make logs")
    path = config.root / "out" / f"{job_id}.mp4"
    if urllib.parse.urlsplit(job["videoUrl"]).hostname != config.host:
        console.print(
            f"\nThe provider says that the video is at {job['videoUrl']}; it made no pixels of ours to download."
        )
        return path
    download(job["videoUrl"], path)
    _print_facts(path, config.root, time.monotonic() - begun)
    _print_hints(stack, job_id)
    return path


def _follow(client: ApiClient, job_id: str) -> dict[str, Any]:
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
    """The status as plain lines: one for each change."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._last = ""

    def __call__(self, job: dict[str, Any]) -> None:
        percent = int((job.get("progress") or 0) * 10) * 10
        words = job["status"] + (f" {percent} %" if job["status"] == "processing" else "")
        if words != self._last:
            self._last = words
            console.print(f"job {self._job_id}  {words}")


class _Bar:
    """The status as one live line."""

    def __init__(self, job_id: str, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task(f"job {job_id}", total=1.0, status="queued")

    def __call__(self, job: dict[str, Any]) -> None:
        done = 1.0 if job["status"] == "completed" else float(job.get("progress") or 0)
        self._progress.update(self._task, completed=done, status=job["status"])


@contextmanager
def _status_line(job_id: str) -> Iterator[_Bar | _Lines]:
    if not sys.stdout.isatty():
        yield _Lines(job_id)
        return
    columns = (
        TextColumn("{task.description}"),
        TextColumn("[cyan]{task.fields[status]:<10}[/cyan]"),
        BarColumn(bar_width=40),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(job_id, progress)


def _print_facts(path: Path, root: Path, seconds: float) -> None:
    facts = inspect_video(path)
    console.print(
        f"\n[green]✓[/green] [bold]{path.relative_to(root)}[/bold]"
        f"  {facts.width}×{facts.height}, {facts.seconds:.2f} s, {facts.frames} frames, "
        f"{facts.codec} {facts.pixel_format}, {facts.size_bytes / 1e6:.1f} MB  [dim]made in {seconds:.1f} s[/dim]"
    )


def _print_hints(stack: Stack, job_id: str) -> None:
    call = f'curl --cookie "{stack.cookie_name}=$(make -s token)" {stack.api_url}/api/videos'
    body = '{"prompt": "A lighthouse hums to the moon", "style": "calm", "duration": 6, "aspectRatio": "9:16"}'
    console.print("\nThe system is still up. What next?", style="bold")
    console.print("  another video:      make demo PROMPT='A lighthouse hums to the moon' STYLE=calm RATIO=9:16")
    console.print(f"  this job, by hand:  {call}/{job_id}", markup=False)
    console.print(f"  ask by hand:        {call}/generate --json '{body}'", markup=False)
    console.print("  what happened:      make logs")
    console.print("  stop everything:    make down")
