"""Start of a system with missing programs, and `localcloud during`, which ends the processes of its command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.processes import end_processes, find_processes
from localcloud.system import bring_up

ROOT = Path(__file__).resolve().parents[3]
STARTER = """
import subprocess, sys
subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True).wait()
"""
SERVER = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def end(*_):
    (folder / "ending").touch()
    while not (folder / "may-end").exists():
        time.sleep(0.01)
    sys.exit()
signal.signal(signal.SIGTERM, end)
(folder / "started").touch()
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    end_processes(find_processes(folder), grace_seconds=0)


@pytest.fixture
def during(state: Path, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a `localcloud during` whose command has started a server in its own session."""
    command = [sys.executable, "-c", STARTER, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "localcloud", "during", "--", *command],
        cwd=ROOT,
        env={**os.environ, "LOCALCLOUD_STATE": str(state)},
    ) as process:
        wait_for(tmp_path / "started")
        yield process
        process.kill()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} is missing"
        time.sleep(0.01)


def test_an_interrupted_command_leaves_no_server(
    during: "subprocess.Popen[bytes]", state: Path, tmp_path: Path
) -> None:
    (tmp_path / "may-end").touch()
    during.terminate()

    assert during.wait() == 128 + signal.SIGTERM
    assert find_processes(state) == []


def test_a_second_signal_does_not_interrupt_the_clean_up(
    during: "subprocess.Popen[bytes]", state: Path, tmp_path: Path
) -> None:
    during.terminate()
    wait_for(tmp_path / "ending")
    during.send_signal(signal.SIGINT)
    (tmp_path / "may-end").touch()

    assert during.wait() == 128 + signal.SIGTERM
    assert find_processes(state) == []


@pytest.mark.parametrize(
    ("installed", "mongodb_uri", "missing"),
    [
        ([], None, ".venv/bin/sam"),
        ([".venv/bin/sam"], "mongodb://127.0.0.1", ".local/cloud/bin/python"),
        ([".venv/bin/sam", ".local/cloud/bin/python"], None, ".local/cloud/bin/secantusd-py"),
    ],
)
def test_a_missing_program_is_reported_before_anything_starts(
    tmp_path: Path, installed: list[str], mongodb_uri: str | None, missing: str
) -> None:
    for program in installed:
        (tmp_path / program).parent.mkdir(parents=True)
        (tmp_path / program).touch()
    config = CloudConfig(root=tmp_path, state=tmp_path / "state", mongodb_uri=mongodb_uri)

    with pytest.raises(LocalCloudError, match=f"{missing} is missing.*make setup"):
        bring_up(config)

    assert not config.state.exists()
