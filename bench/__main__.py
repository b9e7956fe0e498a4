"""Command line of the benchmarks: `python -m bench [cold|warm|pickup|live|layers|video|sketch|imports] …`.

Without a name, all measurements run except `imports`. The exit status is 1 only if a measurement failed. A missed
target does not change it.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from pymongo.errors import PyMongoError
from rich.console import Console

from bench.cold import measure_cold_starts
from bench.figures import MeasurementError, Section, print_section, write_markdown
from bench.imports import measure_imports
from bench.layer_sizes import measure_sizes
from bench.live import measure_live
from bench.paths import HOME
from bench.pickup import measure_pickup
from bench.services import run_services
from bench.sketch import measure_sketch
from bench.variants import prepare_variants
from bench.video import measure_videos
from bench.warm import measure_warm_calls
from localcloud.config import ROOT
from localcloud.errors import LocalCloudError

_COLD_ROUNDS, _WARM_ROUNDS, _PICKUP_JOBS, _LIVE_JOBS, _SKETCH_ROUNDS, _IMPORT_ROUNDS = 7, 3, 15, 15, 3, 5
_COLD_VIDEOS, _WARM_VIDEOS = 3, 7

_EXPECTED = (MeasurementError, LocalCloudError, PyMongoError, OSError, subprocess.SubprocessError)

console = Console(highlight=False)


def main() -> int:
    """Run the measurements named in `sys.argv` (all without a name), print each table and write them as Markdown.

    Return the exit status: 1 if a measurement failed, otherwise 0. The remaining measurements run after a failure, and
    a missed target is not a failure. The file is written to `.local/bench`.

    Raises:
        SystemExit: 2 for an unknown name, 0 after `--help`.
        SetupError: If uv, which installs packages of the measured variants, is missing and cannot be installed.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the figures of docs/performance.md.")
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*_MEASUREMENTS, []],
        metavar="|".join(_MEASUREMENTS),
        help="default: all except imports",
    )
    all_names = [name for name in _MEASUREMENTS if name != "imports"]
    names = parser.parse_args().names or all_names
    sections: list[Section] = []
    failed = False
    for name in names:
        started = time.monotonic()
        try:
            with console.status(f"Measuring: {name}"):
                measured = _MEASUREMENTS[name]()
        except _EXPECTED as error:
            console.print(f"Could not measure {name}. {error}", style="red", markup=False)
            failed = True
            continue
        for section in measured:
            print_section(section, console)
        console.print(f"[dim]{name}: {time.monotonic() - started:.0f} s[/dim]\n")
        sections += measured
    markdown_path = HOME / ("table.md" if names == all_names else f"{'-'.join(names)}.md")
    write_markdown(sections, markdown_path)
    console.print(f"Tables written to {markdown_path.relative_to(ROOT)}")
    return 1 if failed else 0


def _cold() -> list[Section]:
    variants = prepare_variants()
    with run_services() as services:
        return [measure_cold_starts(variants, services, rounds=_COLD_ROUNDS)]


def _warm() -> list[Section]:
    variants = prepare_variants()
    with run_services() as services:
        return measure_warm_calls(variants, services, rounds=_WARM_ROUNDS)


def _imports() -> list[Section]:
    with run_services() as services:
        return measure_imports(services, rounds=_IMPORT_ROUNDS)


_MEASUREMENTS: dict[str, Callable[[], list[Section]]] = {
    "cold": _cold,
    "warm": _warm,
    "pickup": lambda: [measure_pickup(jobs=_PICKUP_JOBS)],
    "live": lambda: [measure_live(jobs=_LIVE_JOBS)],
    "layers": lambda: [measure_sizes()],
    "video": lambda: [measure_videos(cold=_COLD_VIDEOS, warm=_WARM_VIDEOS)],
    "sketch": lambda: [measure_sketch(rounds=_SKETCH_ROUNDS)],
    "imports": _imports,
}


if __name__ == "__main__":
    sys.exit(main())
