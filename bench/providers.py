"""What a provider's adapter adds to the worker: `python -m bench.providers`.

Each row is a process of its own that has imported the worker function: modules, time and memory that come on top when
that provider is chosen, and when it is only known by name.
"""

import json
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from localcloud.config import ROOT
from videojobs.adapters.providers import AI_PROVIDERS

ROUNDS = 5
_PROGRAM = """
import json, resource, sys, time
from functions.worker import app
from videojobs.adapters.providers import find_ai_provider
before, kib = set(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
name, is_chosen = sys.argv[1], sys.argv[2] == "chosen"
assert not [module for module in sys.modules if module.endswith(f"providers.{name}")]
if is_chosen:
    find_ai_provider(name)
spent = time.process_time() - begun
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - kib
print(json.dumps([1000 * spent if is_chosen else 0, len(set(sys.modules) - before), grown / 1024]))
"""
ENVIRONMENT = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'common'}", "PATH": "/usr/bin:/bin"}


def measure(name: str, *, chosen: bool) -> tuple[float, int, float]:
    """Processor time in ms (the median), modules, and MiB that it adds to a worker that has started."""
    command = [sys.executable, "-c", _PROGRAM, name, "chosen" if chosen else "known"]
    rounds = [
        json.loads(subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS if chosen else 1)
    ]
    times, modules, grown = zip(*rounds, strict=True)
    return statistics.median(times), modules[0], statistics.median(grown)


def main() -> None:
    """Print the table."""
    table = Table("provider", "not chosen", "chosen: ms of processor time", "modules", "MiB of memory")
    for name in AI_PROVIDERS:
        _, idle_modules, _ = measure(name, chosen=False)
        milliseconds, modules, grown = measure(name, chosen=True)
        table.add_row(name, f"{idle_modules} modules", f"{milliseconds:.0f}", str(modules), f"{grown:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
