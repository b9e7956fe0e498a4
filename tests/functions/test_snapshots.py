"""SnapStart: what is initialised once and copied connects to nothing before, and no two copies draw the same."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.parsed import functions

ROOT = Path(__file__).parents[2]
SNAPPED = sorted(name for name, function in functions().items() if "SnapStart" in function)

# One process is initialised, and lives on twice from that moment, as it would from one snapshot. The operating system
# gives a fork another pid, and Python seeds `random` anew in it: no snapshot does either, so both are undone.
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
            ids = [str(ObjectId())[8:] for _ in range(3)]  # without the second
            seen = {"hooks": hooks, "ids": ids, "random": random.random(), "before": before, "after": len(connected)}
            os.write(writer, json.dumps(seen).encode())
            os._exit(0)
        os.wait()
        print(os.read(reader, 10_000).decode(), flush=True)  # else the next copy has it in its buffer as well
"""


def copies(function: str) -> list[dict[str, Any]]:
    """What each of two copies did without our hooks, and what each of two others did with them."""
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody listens there
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "common")]),
    }
    for variable in functions()[function]["Environment"]["Variables"]:
        environment[variable] = "1" if variable.endswith(("MINUTE", "SECONDS", "USER", "DAYS", "CONNECTIONS")) else "x"
        if variable.startswith("ACCEPT_"):
            environment[variable] = "false"
    command = [sys.executable, "-c", COPIED, f"functions.{function}.app"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = [
        json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"hooks"')
    ]  # and not what was logged
    assert len(seen) == 4
    return seen


@pytest.mark.parametrize("function", SNAPPED)
def test_copies_of_one_snapshot_connect_after_it_and_draw_for_themselves(function: str) -> None:
    seen = copies(function)
    frozen, alive = [each for each in seen if not each["hooks"]], [each for each in seen if each["hooks"]]
    assert frozen[0]["ids"] == frozen[1]["ids"], "this test would not notice"
    assert frozen[0]["random"] == frozen[1]["random"], "this test would not notice"
    assert not set(alive[0]["ids"]) & set(alive[1]["ids"])
    assert alive[0]["random"] != alive[1]["random"]
    assert all(each["before"] == 0 for each in seen), "a connection was made before the snapshot"
    assert all(each["after"] > 0 for each in alive), "nothing was connected after it"


def test_whatever_prepares_itself_may_be_snapped_and_nothing_else_is() -> None:
    prepared = {path.parent.name for path in (ROOT / "functions").glob("*/app.py") if "prepare_api" in path.read_text()}
    assert prepared == set(SNAPPED)
    for name in SNAPPED:
        assert functions()[name]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
        assert "EphemeralStorage" not in functions()[name], "SnapStart takes 512 MB at most"
