"""Driver of the sketch measurement: renders sketches on one processor, with only the layers of `render`."""

import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_PROMPTS = ("A paper boat on a rainy street", "Golden hour over the harbour", "Three foxes learn to juggle at night")


def main() -> None:
    """Read the task as JSON from stdin, render, and write the seconds of each run to the file named in the task.

    The process is pinned to one processor, which requires Linux.

    Raises:
        ValueError: If the style in the task is unknown.
        OSError: If the file can't be written.
    """
    task = json.load(sys.stdin)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _draw(task, "warm up", seconds=1)  # loads imports and fonts, once per process
    runs = [_draw(task, _PROMPTS[turn % len(_PROMPTS)], seconds=task["seconds"]) for turn in range(task["rounds"])]
    Path(task["result"]).write_text(json.dumps(runs))


def _draw(task: dict[str, Any], prompt: str, *, seconds: float) -> dict[str, float]:
    from videojobs.domain.job import JobId, JobStatus, UserId, VideoJob
    from videojobs_media.renderer import PyAvRenderer

    now = datetime.now(UTC)
    job = VideoJob(
        id=JobId("0" * 24),
        user_id=UserId("0" * 24),
        prompt=prompt,
        style=task["style"],
        duration=seconds,
        aspect_ratio="16:9",
        status=JobStatus.PROCESSING,
        created_at=now,
        updated_at=now,
    )
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        PyAvRenderer().render(job, Path(folder), lambda _: None)
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
