"""Sketch provider: speed of drawing and encoding a 720p video on one processor, compared with real time."""

import json
import os
import subprocess
from statistics import median

from bench.build_output import build_system
from bench.figures import Figure, Section
from bench.paths import HOME, INTERPRETER, SOURCES

_STYLES = ("fun", "calm", "background")
_SECONDS = 8
_AT_LEAST_TIMES_REAL_TIME = 4.0


def measure_sketch(*, rounds: int) -> Section:
    """Render each style `rounds` times, in a process pinned to one processor, and return a table of the median times.

    Raises:
        CalledProcessError: If rendering fails.
        LocalCloudError: If the build fails.
    """
    built = build_system()
    search = os.pathsep.join(str(built / layer / "python") for layer in ("CommonLayer", "MediaLayer"))
    result = HOME / "sketch.json"
    figures = []
    for style in _STYLES:
        task = {"style": style, "seconds": _SECONDS, "rounds": rounds, "result": str(result)}
        subprocess.run(
            [str(INTERPRETER), str(SOURCES / "sketch_driver.py")],
            input=json.dumps(task),
            text=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
        )
        runs = json.loads(result.read_text())
        cpu, wall = (median(run[kind] for run in runs) for kind in ("cpu", "wall"))
        speed = _SECONDS / cpu
        figures.append(
            Figure(
                f"{style}: {_SECONDS} s of 1280×720",
                f"{cpu:.2f} s ({wall:.2f})",
                f"≥ {_AT_LEAST_TIMES_REAL_TIME:g} × real time",
                f"{speed:.1f} ×",
                reached=speed >= _AT_LEAST_TIMES_REAL_TIME,
            )
        )
    method = (
        f"Video, poster and preview, median of {rounds} runs pinned to one processor: processor time, and in brackets "
        "the elapsed time."
    )
    return Section("The sketch", method, figures)
