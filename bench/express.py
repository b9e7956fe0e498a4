"""Polling design that this system replaces, run as a peer: Express, Mongoose and a worker in one process."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from bench.api import Api
from bench.figures import MeasurementError
from bench.paths import HOME, SOURCES, cloud_config
from bench.services import database_uri
from localcloud.processes import start_server, tail
from localcloud.servers import choose_port

POLL_SECONDS = 5.0
_WORK_SECONDS = 0.2
_NODE_AT_LEAST = 20
_SOURCE = SOURCES / "peers" / "express"
_INSTALLED = HOME / "express"
_INSTALL_SECONDS, _START_SECONDS, _STOP_SECONDS = 120, 30, 10
_SECRET = "the secret of a server that lives for a minute"


class PeerMissingError(Exception):
    """Error for a peer (an implementation that this system is compared with) that cannot run on this machine.

    The message contains the reason. Measurements show it in place of the figures of the peer.
    """


@dataclass(frozen=True, slots=True)
class Express:
    """Running server of the polling design."""

    api: Api
    mongo_uri: str
    cpu_url: str
    """URL that returns the processor time that the server has used, in microseconds."""


def prepare_express() -> Path:
    """Install the Express server of the polling design and its pinned packages with npm; return its folder.

    If the same sources are already installed, nothing changes.

    Raises:
        PeerMissingError: If Node.js or npm is missing, Node.js is too old, or npm fails or takes over 120 s.
    """
    npm = shutil.which("npm")
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    check_node(version, npm)
    sources = [_SOURCE / name for name in ("package.json", "package-lock.json", "server.js")]
    stamp = _INSTALLED / ".installed"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        _INSTALLED.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, _INSTALLED)
        _install(str(npm))
        stamp.write_text(digest)
    return _INSTALLED


def check_node(version: str, npm: str | None) -> None:
    """Check the output of `node --version` and the path of npm.

    Raises:
        PeerMissingError: If Node.js is missing or older than version 20, or if `npm` is None.
    """
    major = re.match(r"v(\d+)\.", version)
    if npm is None or major is None or int(major[1]) < _NODE_AT_LEAST:
        versions = f"Node.js {version.strip() or 'missing'}, npm {'found' if npm else 'missing'}"
        raise PeerMissingError(f"requires Node.js ≥ {_NODE_AT_LEAST} and npm on the PATH ({versions})")


def _install(npm: str) -> None:
    command = [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=_INSTALLED, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PeerMissingError(f"npm did not finish within {_INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        first_line = next(iter(error.stderr.splitlines()), f"status {error.returncode}")
        raise PeerMissingError(f"npm failed to install the packages ({first_line})") from error


@contextmanager
def run_express(name: str, mongo_uri: str, *, poll_seconds: float = POLL_SECONDS) -> Iterator[Express]:
    """Run a server on an empty database on the MongoDB server of `mongo_uri`; stop it and drop the database on exit.

    The database is named after `name`. It is kept small because Mongoose claims a job with `findOneAndUpdate`, for
    which SecantusDB reads the whole collection. That cost is not part of the polling design.

    Raises:
        PeerMissingError: If the server can't be installed on this machine.
        MeasurementError: If the server does not start within 30 s.
        PyMongoError: If MongoDB does not respond.
    """
    config = cloud_config()
    folder, port = prepare_express(), choose_port(config.host)
    uri, log = database_uri(mongo_uri, f"bench_express_{name}"), config.logs / f"express-{name}.log"
    with _empty_database(uri):
        server = start_server(
            [str(shutil.which("node")), str(folder / "server.js")],
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "NODE_ENV": "production",
                "HOST": config.host,
                "PORT": str(port),
                "MONGODB_URI": uri,
                "JWT_SECRET": _SECRET,
                "POLL_MS": f"{poll_seconds * 1000:.0f}",
                "WORK_MS": f"{_WORK_SECONDS * 1000:.0f}",
            },
            log=log,
            state=config.state,
            role="express",
            port=port,
            version="",
        )
        try:
            url = f"http://{config.host}:{port}"
            _wait_for_response(server, f"{url}/cpu", log)
            yield Express(Api(url, "token", _SECRET), uri, f"{url}/cpu")
        finally:
            _end(server)


@contextmanager
def _empty_database(uri: str) -> Iterator[None]:
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        client.drop_database(database.name)
        try:
            yield
        finally:
            client.drop_database(database.name)


def _wait_for_response(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise MeasurementError(f"The Express server did not start. {log} ends with:\n{tail(log)}")


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
