"""SnapStart: a function opens no connection before the snapshot, and its copies draw different random numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.parsed import functions, template

ROOT = Path(__file__).parents[2]
SNAPPED = sorted(name for name, function in functions().items() if "SnapStart" in function)

# A process is initialised and then forked twice, as two environments start from one snapshot. A fork has another
# process ID, and Python seeds `random` again in it; both are undone, because a snapshot does neither.
COPIED = """
import importlib, json, os, random, sys
from snapshot_restore_py import get_after_restore

connected = []
sys.addaudithook(lambda name, arguments: connected.append(name) if name == "socket.connect" else None)
app = importlib.import_module(sys.argv[1])
assert callable(app.handler)
before, drawn = len(connected), random.getstate()
from bson import ObjectId

for hooks in (False, True):
    for _copy in range(2):
        reader, writer = os.pipe()
        if os.fork() == 0:
            ObjectId._pid = os.getpid()
            random.setstate(drawn)
            if hooks:
                for hook, arguments, named in get_after_restore():
                    hook(*arguments, **named)
            ids = [str(ObjectId())[8:] for _ in range(3)]  # without the timestamp
            seen = {"hooks": hooks, "ids": ids, "random": random.random(), "before": before, "after": len(connected)}
            os.write(writer, json.dumps(seen).encode())
            os._exit(0)
        os.close(writer)  # or a read waits for a copy that has failed
        os.wait()
        print(os.read(reader, 10_000).decode(), flush=True)  # or the next copy inherits the buffered line
"""


def copies(function: str) -> list[dict[str, Any]]:
    """Return the results of two copies without the restore hooks, and of two copies with them."""
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # no server listens there
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "common"), str(ROOT / "layers" / "providers")]),
    }
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    for variable in {*shared, *functions()[function]["Environment"]["Variables"]} - {*environment, "LOG_LEVEL"}:
        is_number = variable.endswith(("MINUTE", "SECONDS", "USER", "DAYS", "CONNECTIONS"))
        environment[variable] = "50" if variable == "WAITING_JOBS_PER_USER" else "1" if is_number else "x"
        if variable.startswith("ACCEPT_"):
            environment[variable] = "false"
    command = [sys.executable, "-c", COPIED, f"functions.{function}.app"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    results = [
        json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"hooks"')
    ]  # without the log lines
    assert len(results) == 4
    return results


@pytest.mark.parametrize("function", SNAPPED)
def test_copies_of_a_snapshot_connect_afterwards_and_draw_different_random_numbers(function: str) -> None:
    results = copies(function)
    without_hooks, with_hooks = (
        [copy for copy in results if not copy["hooks"]],
        [copy for copy in results if copy["hooks"]],
    )
    assert without_hooks[0]["ids"] == without_hooks[1]["ids"], "the copies already differ without the hooks"
    assert without_hooks[0]["random"] == without_hooks[1]["random"], "the copies already differ without the hooks"
    assert not set(with_hooks[0]["ids"]) & set(with_hooks[1]["ids"])
    assert with_hooks[0]["random"] != with_hooks[1]["random"]
    assert all(copy["before"] == 0 for copy in results), "a connection was made before the snapshot"
    assert all(copy["after"] > 0 for copy in with_hooks), "no connection was made after the snapshot"


def test_exactly_the_functions_that_prepare_themselves_use_snapstart() -> None:
    prepared = {path.parent.name for path in (ROOT / "functions").glob("*/app.py") if "prepare_api" in path.read_text()}
    assert prepared == set(SNAPPED)
    for name in SNAPPED:
        assert functions()[name]["SnapStart"] == {"ApplyOn": {"Fn::FindInMap": ["Release", "Functions", "SnapStart"]}}
        assert "EphemeralStorage" not in functions()[name], "SnapStart supports at most 512 MB"
