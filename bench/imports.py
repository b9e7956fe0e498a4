"""Modules that each API function imports until its first call, with the time of each: `python -m bench imports`."""

import os
import re
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from bench.build_output import build_system
from bench.figures import Figure, MeasurementError, Section
from bench.paths import INTERPRETER
from bench.services import Services
from bench.variants import FUNCTIONS

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")
_SHOWN = 40


class Import(NamedTuple):
    """Imported module: its own time, the time with the modules that it imports, and the module that imports it first.

    Times are in microseconds.
    """

    own_us: int
    cumulative_us: int
    importer: str


def read_imports(log: str) -> dict[str, Import]:
    """Return the imports in the output of `python -X importtime`, by module. A module follows those that it imports."""
    imports: dict[str, Import] = {}
    waiting: list[tuple[int, str]] = []
    for match in _LINE.finditer(log):
        own, cumulative, indent, name = int(match[1]), int(match[2]), len(match[3]), match[4]
        while waiting and waiting[-1][0] > indent:
            _, imported = waiting.pop()
            imports[imported] = imports[imported]._replace(importer=name)
        imports[name] = Import(own, cumulative, "")
        waiting.append((indent, name))
    return imports


def measure_imports(services: Services, *, rounds: int) -> list[Section]:
    """Import each function `rounds` times, with its services, and return one table per function.

    Raises:
        MeasurementError: If a function can't be imported.
        LocalCloudError: If the build fails.
    """
    sections = []
    for function, logical_id in FUNCTIONS.items():
        measured = [read_imports(_import(function, logical_id, services)) for _ in range(rounds)]
        shortest = {
            name: first._replace(own_us=min(imports[name].own_us for imports in measured if name in imports))
            for name, first in measured[0].items()
        }
        method = f"Own time, the shortest of {rounds} imports. In brackets: with the modules that it imports, once."
        sections.append(Section(f"Imports of {function}", method, _figures(shortest)))
    return sections


def _figures(imports: Mapping[str, Import]) -> list[Figure]:
    longest = sorted(imports.items(), key=lambda item: -item[1].own_us)
    ours_us = sum(item.own_us for name, item in imports.items() if name.split(".")[0] in {"app", "videojobs"})
    total_us = sum(item.own_us for item in imports.values())
    return [
        Figure(f"all {len(imports)} modules", _show_ms(total_us)),
        Figure("modules of this project", _show_ms(ours_us), ratio=f"{ours_us / total_us:.0%}"),
        *(_figure(name, item) for name, item in longest[:_SHOWN]),
    ]


def _figure(name: str, item: Import) -> Figure:
    measured = f"{_show_ms(item.own_us)} ({_show_ms(item.cumulative_us)})"
    return Figure(f"{name}, by {item.importer or 'the interpreter'}", measured)


def _show_ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"


def _import(function: str, logical_id: str, services: Services) -> str:
    folder = build_system() / logical_id
    environment = {
        **services.environment,
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(build_system() / "CommonLayer" / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_NAME": f"videojobs-{function}",
    }
    command = [str(INTERPRETER), "-X", "importtime", "-c", "import app"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise MeasurementError(f"{function} can't be imported: {result.stderr[-2000:]}")
    return result.stderr
