"""Start of the studio's server."""

import hashlib
import os
import subprocess
import sys
import urllib.error
import urllib.request

from localcloud.config import CloudConfig
from localcloud.processes import start_server
from localcloud.servers import WEB, end_role, find_current, start_on_a_port
from localcloud.studio_server import READY

_PARTS = (
    "infrastructure/studio.yaml",
    "localcloud/studio_server.py",
    "localcloud/local_sessions.py",
    "localcloud/forwarding.py",
    "localcloud/template.py",
    "localcloud/pages.py",
)
"""Files that the server keeps in memory; a change of one restarts the server."""


def ensure_studio(config: CloudConfig) -> str:
    """Start the server of the studio (the web page) unless its current version is running, and return its URL.

    A server of another version is ended first.

    Raises:
        ServerFailedError: If the server does not start.
    """
    version = hashlib.sha256(b"".join((config.root / part).read_bytes() for part in _PARTS)).hexdigest()[:12]
    running = find_current(config, WEB, version)
    port = running.port if running and _answers(config.host, running.port) else _start(config, version)
    return f"http://{config.host}:{port}/"


def _start(config: CloudConfig, version: str) -> int:
    end_role(config, WEB)
    log = config.logs / "studio.log"

    def start(port: int) -> "subprocess.Popen[bytes]":
        return start_server(
            [sys.executable, "-m", "localcloud.studio_server", str(port)],
            environment={**os.environ, "PYTHONPATH": str(config.root), "LOCALCLOUD_STATE": str(config.state)},
            log=log,
            state=config.state,
            role=WEB,
            port=port,
            version=version,
        )

    return start_on_a_port(start, config, WEB, _answers, log)


def _answers(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{READY}", timeout=1) as response:
            return bool(response.status == 204)
    except (OSError, urllib.error.URLError):
        return False
