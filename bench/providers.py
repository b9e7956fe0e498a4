"""Cost that each provider's adapter adds to the worker function: `python -m bench.providers`.

Each measurement runs in a new process that has imported the worker function. It counts the additional modules,
processor time and memory when the provider is chosen, and the modules when it is only registered.
"""

import json
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from localcloud.config import ROOT
from videojobs_providers import AI_PROVIDERS

ROUNDS = 5
_PROGRAM = """
import json, resource, sys, time
from functions.worker import app
from videojobs_providers import find_ai_provider
before, kib = set(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
name, is_chosen = sys.argv[1], sys.argv[2] == "chosen"
assert not [module for module in sys.modules if module.endswith(f"providers.{name}")]
if is_chosen:
    find_ai_provider(name)
seconds = time.process_time() - started
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - kib
print(json.dumps([1000 * seconds if is_chosen else 0, len(set(sys.modules) - before), grown / 1024]))
"""
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'common'}:{ROOT / 'layers' / 'providers'}",
    "PATH": "/usr/bin:/bin",
}


def measure(name: str, *, chosen: bool) -> tuple[float, int, float]:
    """Return the processor time in ms, the modules and the memory in MiB that a provider adds to a started worker.

    Time and memory are medians of `ROUNDS` processes if `chosen`, otherwise the figures of one process, which only
    registers the provider.

    Raises:
        CalledProcessError: If a process fails, for example because the provider is unknown.
    """
    command = [sys.executable, "-c", _PROGRAM, name, "chosen" if chosen else "known"]
    rounds = [
        json.loads(subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS if chosen else 1)
    ]
    times, modules, grown = zip(*rounds, strict=True)
    return statistics.median(times), modules[0], statistics.median(grown)


def main() -> None:
    """Measure each provider in new processes, and print the table.

    Raises:
        CalledProcessError: If a process fails.
    """
    table = Table("provider", "not chosen", "chosen: processor time, ms", "modules", "memory, MiB")
    for name in AI_PROVIDERS:
        _, idle_modules, _ = measure(name, chosen=False)
        milliseconds, modules, grown = measure(name, chosen=True)
        table.add_row(name, f"{idle_modules} modules", f"{milliseconds:.0f}", str(modules), f"{grown:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
