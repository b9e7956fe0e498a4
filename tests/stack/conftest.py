"""The deployed system that the stack tests drive: brought up once for all of them, away from a developer's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.stack import Stack
from tests.receiver import Receiver, receiving
from tests.servers import missing
from tests.stack.client import User

_ROOT = Path(__file__).resolve().parents[2]
_STATE = os.environ.get("LOCALCLOUD_STATE", ".local/test")


@pytest.fixture(scope="session")
def cloud() -> CloudConfig:
    """Where the system of the stack tests lives."""
    return CloudConfig.from_environment({**os.environ, "LOCALCLOUD_STATE": _STATE})


@pytest.fixture(scope="session")
def platform() -> Iterator[Receiver]:
    """The platform's own backend, which the system sends its webhooks to: at `/hooks`, and at `/gone`."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def stack(cloud: CloudConfig, platform: Receiver) -> Iterator[Stack]:
    """The running system as `stack.json` describes it."""
    if not (_ROOT / ".local" / "cloud" / "bin" / "ministack").exists():
        missing("the local cloud is not installed: `make setup` does it")
    urls = f"{platform.url},{platform.url.replace('/hooks', '/gone')}"
    environment = {**os.environ, "LOCALCLOUD_STATE": str(cloud.state), "WEBHOOK_URLS": urls}
    command = [sys.executable, "-m", "localcloud"]
    try:
        up = subprocess.run([*command, "up"], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
        assert up.returncode == 0, f"`localcloud up` failed:\n{up.stdout}{up.stderr}"
        yield Stack.read(cloud)
    finally:
        subprocess.run([*command, "down"], cwd=_ROOT, env=environment, capture_output=True, check=False)


@pytest.fixture
def user(stack: Stack) -> User:
    """Somebody new, signed in."""
    return User(stack)


@pytest.fixture
def stranger(stack: Stack) -> User:
    """Somebody else, signed in."""
    return User(stack)
