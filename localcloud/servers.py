"""Servers of the local system: SecantusDB in place of MongoDB, and MiniStack in place of AWS."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pymongo
import pymongo.errors

from localcloud.config import CloudConfig
from localcloud.errors import ServerFailedError
from localcloud.processes import MarkedProcess, end_processes, find_processes, find_server, start_server, tail

MONGO = "mongo"
AWS = "aws"
WEB = "web"
STOP_GRACE_SECONDS = 20.0
_START_SECONDS = 60.0
_TRIES = 3
_LAUNCHER = "ministack_launcher.py"
_PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def ensure_mongo(config: CloudConfig) -> str:
    """Start SecantusDB unless its current version is running, and return its connection string.

    If the configuration has a connection string, start nothing and return it. Otherwise a server of another version is
    ended first. The options of SecantusDB's string: `journal=true`, because it otherwise loses acknowledged writes when
    it is killed; `serverMonitoringMode=poll`, which pymongo itself uses on Lambda, because streaming stalls for 10 s
    after a step-down.

    Raises:
        ServerFailedError: If the server does not start.
        OSError: If SecantusDB is not installed.
    """
    if config.mongodb_uri:
        return config.mongodb_uri
    running = find_current(config, MONGO, _version(config))
    port = running.port if running and _answers_ping(config.host, running.port) else _start_mongo(config)
    options = "w=majority&journal=true&serverMonitoringMode=poll"
    return f"mongodb://{config.host}:{port}/{config.database}?{options}"


def _start_mongo(config: CloudConfig) -> int:
    end_role(config, MONGO)
    data, created = config.state / "mongo", config.state / "mongo.made"
    if not created.exists():  # the first start did not finish, so the files are incomplete and contain no data
        shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)

    def start(port: int) -> "subprocess.Popen[bytes]":
        command = [str(config.servers / "secantusd-py"), "--host", config.host, "--port", str(port)]
        return start_server(
            [*command, "--storage-path", str(data), "--log-level", "WARNING"],
            environment=_bare_environment(config),
            log=config.logs / "mongo.log",
            state=config.state,
            role=MONGO,
            port=port,
            version=_version(config),
        )

    port = start_on_a_port(start, config, MONGO, _answers_ping, config.logs / "mongo.log")
    created.touch()
    return port


def ensure_aws(config: CloudConfig) -> str:
    """Start MiniStack unless its current version is running, and return its endpoint URL.

    A server of another version is stopped first. MiniStack saves its state only when it stops on SIGTERM. State that is
    older than the last run, or whose URLs contain another port, is deleted, and the next deployment creates the
    resources again. Objects in S3 are kept.

    Raises:
        ServerFailedError: If the server does not start.
        OSError: If MiniStack's environment is not installed.
    """
    running = find_current(config, AWS, _version(config))
    port = running.port if running and _answers_health(config.host, running.port) else _start_aws(config)
    return f"http://{config.host}:{port}"


def _start_aws(config: CloudConfig) -> int:
    stop_aws(config)
    saved = _saved_mark(config)
    saved_port = saved.read_text() if saved.exists() else ""
    saved.unlink(missing_ok=True)
    scratch = config.state / "aws" / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)

    def start(port: int) -> "subprocess.Popen[bytes]":
        if saved_port != str(port):
            shutil.rmtree(config.state / "aws" / "state", ignore_errors=True)
        return start_server(
            [str(config.servers / "python"), str(Path(__file__).with_name(_LAUNCHER))],
            environment=aws_environment(config, port),
            log=config.logs / "aws.log",
            state=config.state,
            role=AWS,
            port=port,
            version=_version(config),
        )

    return start_on_a_port(start, config, AWS, _answers_health, config.logs / "aws.log")


def find_current(config: CloudConfig, role: str, version: str) -> MarkedProcess | None:
    """Return the running server of that role; None if none is running or it has another version."""
    server = find_server(config.state, role)
    return server if server and server.version == version else None


def _version(config: CloudConfig) -> str:
    """Return a digest that changes with the servers' packages and with the code that starts them."""
    here = Path(__file__)
    parts = (config.root / "localcloud" / "requirements.txt", here, here.with_name(_LAUNCHER))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]


def stop_aws(config: CloudConfig) -> None:
    """Stop MiniStack and the functions' workers, with SIGTERM and after 20 s with SIGKILL.

    Its state is kept if it stops without being killed. If it is not running, nothing happens.
    """
    server = find_server(config.state, AWS)
    if server and end_processes([server], grace_seconds=STOP_GRACE_SECONDS):
        _saved_mark(config).write_text(str(server.port))
    end_role(config, AWS)


def forget_aws(config: CloudConfig) -> None:
    """Stop MiniStack, so that the next `ensure_aws` deletes its state except objects in S3.

    This removes a stack that cannot be updated.
    """
    stop_aws(config)
    _saved_mark(config).unlink(missing_ok=True)


def end_role(config: CloudConfig, role: str) -> None:
    """Stop every process of a role, such as `aws`, including workers whose server has ended.

    Each process gets SIGTERM and, if it still runs after 20 s, SIGKILL.
    """
    processes = [process for process in find_processes(config.state) if process.role == role]
    end_processes(processes, grace_seconds=STOP_GRACE_SECONDS)


def _saved_mark(config: CloudConfig) -> Path:
    """Return the path of a file that exists while the saved state is that of the last run; it contains its port."""
    return config.state / "aws.saved"


def _bare_environment(config: CloudConfig) -> dict[str, str]:
    """Return the environment variables of a server: few, because MiniStack passes its own to every function."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{config.servers}:/usr/local/bin:/usr/bin:/bin"
    return {**passed_on, "PATH": path, "HOME": str(config.state), "LANG": "C.UTF-8", "TZ": "UTC"}


def aws_environment(config: CloudConfig, port: int) -> dict[str, str]:
    """Return the environment variables of MiniStack on `port`, which it passes to every function too."""
    home, concurrency = config.state / "aws", config.account_concurrency
    return {
        **_bare_environment(config),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": config.host,
        "AUTH": "true",  # enforces IAM policies and presigned URLs, as AWS does
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "MINISTACK_REGION": config.region,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "s3"),
        "TMPDIR": str(home / "tmp"),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",  # for the functions; MiniStack does not set it
        "LAMBDA_WARM_TTL_SECONDS": "3600",
        **({} if concurrency is None else {"LAMBDA_ACCOUNT_CONCURRENCY": str(concurrency)}),
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",  # at start it removes containers, including unrelated ones
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def start_on_a_port(
    start: Callable[[int], "subprocess.Popen[bytes]"],
    config: CloudConfig,
    role: str,
    answers: Callable[[str, int], bool],
    log: Path,
) -> int:
    """Start a server, wait until it responds, and return its port.

    The port is the one of its last run, else the preferred one, else any that is free. `start` starts the process on a
    port, and `answers` returns whether it responds at a host and port. A server that does not respond is killed.

    Raises:
        ServerFailedError: If the server ends or does not respond within 60 s.
        OSError: If the program can't be started.
    """
    for _ in range(_TRIES):
        port = choose_port(config.host, *_wanted_ports(config, role))
        server = start(port)
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            if answers(config.host, port):
                _port_file(config, role).write_text(str(port))
                return port
            time.sleep(0.05)
        server.kill()
        if _is_free(config.host, port):  # otherwise another process took the port first, so try again
            break
    raise ServerFailedError(f"A server did not start. The end of {log}:\n{tail(log)}")


def choose_port(host: str, *wanted: int) -> int:
    """Return the first of the wanted ports that is free; if none is, any free port.

    The port is not reserved, so another process can take it before the caller does.
    """
    return next((port for port in wanted if _is_free(host, port)), 0) or _free_port(host)


def _wanted_ports(config: CloudConfig, role: str) -> Iterator[int]:
    """Yield the port of the last run, which the deployed stack may refer to, then the preferred port."""
    with contextlib.suppress(OSError, ValueError):
        yield int(_port_file(config, role).read_text())
    yield {AWS: config.aws_port, MONGO: config.mongo_port, WEB: config.web_port}[role]


def _port_file(config: CloudConfig, role: str) -> Path:
    return config.state / f"{role}.port"


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers_ping(host: str, port: int) -> bool:
    client: pymongo.MongoClient[Mapping[str, object]]
    with pymongo.MongoClient(host, port, serverSelectionTimeoutMS=500, directConnection=True) as client:
        try:
            client.admin.command("ping")
        except pymongo.errors.PyMongoError:
            return False
        return True


def _answers_health(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/_ministack/ready", timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
